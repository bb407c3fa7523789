"""Turns the evidence that the graph computes into a map that can be drawn."""

import numpy as np
from numpy.typing import NDArray
from verger.v1 import classifier_pb2


def evidence_map(evidence: NDArray[np.float32]) -> classifier_pb2.EvidenceMap:
    """Scales the maximum to 255 and clips negative values to 0.

    Args:
        evidence: float32 of shape [rows, columns]; the contribution of each cell to the logit of the best class, as
            Grad-CAM defines it (Selvaraju et al., 2017, arXiv:1610.02391). Negative values speak against the class.
    """
    positive = evidence.clip(min=0)
    peak = float(positive.max())
    scaled = (positive * (255 / peak)).round() if peak > 0 else positive
    return classifier_pb2.EvidenceMap(
        height=evidence.shape[0], width=evidence.shape[1], strength=scaled.astype(np.uint8).tobytes()
    )
