"""The released model version of this repository."""

from tests.support.repository import ROOT

RELEASED_GRAPH = ROOT / "models" / "fruit-classifier" / "model.onnx"
"""Float graph."""
RELEASED_WEIGHTS = str(RELEASED_GRAPH.with_name("model.keras"))
"""Value of --weights for the backbone of the release without its remembered negatives, which take most of the time of a
training with few pictures."""
