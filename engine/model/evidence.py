"""From the graph's raw evidence to a map that can be drawn. Pure."""

import numpy as np
from numpy.typing import NDArray
from verger.v1 import classifier_pb2


def evidence_map(raw: NDArray[np.float32]) -> classifier_pb2.EvidenceMap:
    """Scales raw evidence so that the loudest cell is 255; what speaks against the class counts as silence.

    Args:
        raw: float32 of shape [rows, columns]; each cell's share in the logit of the best class, as Grad-CAM defines it
            (Selvaraju et al., 2017, arXiv:1610.02391).
    """
    loud = raw.clip(min=0)
    peak = float(loud.max())
    strength = (loud * (255 / peak)).round() if peak > 0 else loud
    return classifier_pb2.EvidenceMap(
        height=raw.shape[0], width=raw.shape[1], strength=strength.astype(np.uint8).tobytes()
    )
