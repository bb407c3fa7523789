"""The released model version of this repository."""

from tests.support.repository import ROOT

RELEASED_GRAPH = ROOT / "models" / "fruit-classifier" / "model.onnx"
"""Float graph."""
