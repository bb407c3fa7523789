"""The released model version of this repository."""

from tests.support.repository import ROOT

RELEASED_WEIGHTS = str(ROOT / "models" / "fruit-classifier" / "model.keras")
"""Value of --weights for the backbone of the release without its remembered negatives, which take most of the time of a
training with few pictures. The file holds the whole network in float, which model.onnx has in 8-bit integers."""
