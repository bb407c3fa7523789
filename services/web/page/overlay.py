"""How the evidence is drawn over a photo: fog, thick where nothing speaks for the answer. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from verger.v1 import classifier_pb2

THICKEST = 0.85
"""How much of the photo the thickest fog hides, 0 to 1: its outlines stay visible."""

_MARGIN = 2
"""Cells that the outermost ones reach beyond the photo, so that blurring the fog thins it at no edge."""


@dataclass(frozen=True)
class FogCell:
    """A rectangle of fog, in cells of the map from the photo's upper left corner. opacity: 0 to THICKEST."""

    x: int
    y: int
    width: int
    height: int
    opacity: float


@dataclass(frozen=True)
class Fog:
    """All cells of a map that is `columns` wide and `rows` high and covers the whole photo."""

    columns: int
    rows: int
    cells: Sequence[FogCell]


def fog_over(evidence: classifier_pb2.EvidenceMap) -> Fog | None:
    """The fog over a photo; None where no cell speaks for the answer, since nothing could be seen then."""
    rows, columns, strength = evidence.height, evidence.width, evidence.strength
    if not any(strength):
        return None
    cells = []
    for index, value in enumerate(strength):
        (y, height), (x, width) = _span(index // columns, rows), _span(index % columns, columns)
        cells.append(FogCell(x, y, width, height, round(THICKEST * (1 - value / 255), 3)))
    return Fog(columns, rows, cells)


def _span(index: int, count: int) -> tuple[int, int]:
    """Where the cell begins, and its length."""
    start = -_MARGIN if index == 0 else index
    end = count + _MARGIN if index == count - 1 else index + 1
    return start, end - start
