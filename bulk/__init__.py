"""Classifies many photos from storage, without a server: `python -m bulk --help`.

The way of a run: cli/classify.py, run.py, sources/ (which photos), engines/ (processes of this machine, or Ray Data),
photos/ (from a path to a row, in each process), output/ (the folder of results).
"""

import os

# ONNX Runtime and Ray would report their use to their makers. They read this when they are imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
