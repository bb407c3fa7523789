"""Tensors in, classifications out, by whatever version the registry calls champion."""

import os

# Read when ONNX Runtime is first imported. Left alone it reports its use to its makers, and where it can't reach them
# it holds up the end of the process by half a minute.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
