"""The overlay that dims a photo except where the evidence supports the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from verger.v1 import classifier_pb2

MAX_OPACITY = 0.85
"""Opacity over cells without evidence, 0 to 1. The photo's outlines stay visible."""

_MARGIN_CELLS = 2
"""How far the outermost cells extend beyond the photo, so that the blur does not thin the overlay at the edges."""


@dataclass(frozen=True)
class OverlayCell:
    """A rectangle in units of evidence cells, from the photo's upper left corner. opacity: 0 to MAX_OPACITY."""

    x: int
    y: int
    width: int
    height: int
    opacity: float


@dataclass(frozen=True)
class Overlay:
    """All cells of an evidence map of `columns` by `rows` cells that covers the whole photo."""

    columns: int
    rows: int
    cells: Sequence[OverlayCell]


def overlay_for(evidence: classifier_pb2.EvidenceMap) -> Overlay | None:
    """Returns the overlay for a photo, or None if no cell has evidence: it would dim the whole photo."""
    rows, columns, strength = evidence.height, evidence.width, evidence.strength
    if not any(strength):
        return None
    cells = []
    for index, value in enumerate(strength):
        (y, height), (x, width) = _span(index // columns, rows), _span(index % columns, columns)
        cells.append(OverlayCell(x, y, width, height, round(MAX_OPACITY * (1 - value / 255), 3)))
    return Overlay(columns, rows, cells)


def _span(index: int, count: int) -> tuple[int, int]:
    """Returns the start and the length of a cell along one axis of `count` cells."""
    start = -_MARGIN_CELLS if index == 0 else index
    end = count + _MARGIN_CELLS if index == count - 1 else index + 1
    return start, end - start
