"""Names of the inputs and outputs of the graphs that the trainer writes."""

from engine.model.session import EVIDENCE_OUTPUT

INPUT = "pixels"
LOGITS_OUTPUT = "logits"
FEATURES_OUTPUT = "features"

__all__ = ["EVIDENCE_OUTPUT", "FEATURES_OUTPUT", "INPUT", "LOGITS_OUTPUT"]
