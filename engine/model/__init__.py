"""The second half of classifying a photo: from a tensor to a classification. Needs NumPy and ONNX Runtime."""

import os

# ONNX Runtime reads this when it is first imported. With telemetry, it would report its use to its makers, and without
# an internet connection it would delay the end of the process by 30 s.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
