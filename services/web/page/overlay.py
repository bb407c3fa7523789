"""The overlay on a photo: a line around the parts that speak for the answer, and shade over the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

from verger.v1 import classifier_pb2

from services.web.page.contours import Grid, area, contours, rounded_path

LEVEL = 0.4
"""Share of the strongest evidence, 0 to 1, from which on a part of the photo is inside of the line."""

WIDESPREAD = 0.7
"""Share of the cells inside of the line, 0 to 1, from which on no single place of the photo is named."""

MIN_AREA_CELLS = 0.25
"""Smallest area, in cells, that is outlined. What is smaller would look like a scratch on the photo."""

_MARGIN_CELLS = 2
"""How far the overlay extends beyond the photo, where nobody sees lines close."""


@dataclass(frozen=True)
class Overlay:
    """What is drawn over the whole photo, in units of evidence cells from its upper left corner.

    columns, rows: the size of the photo in cells. outline: data of an SVG path, closed lines around the parts with
    evidence. surroundings: data of an SVG path around everything, photo and margin. place: where in the photo most of
    the evidence is, a key of the texts in answer.evidence.places.
    """

    columns: int
    rows: int
    outline: str
    surroundings: str
    place: str


def overlay_for(evidence: classifier_pb2.EvidenceMap) -> Overlay | None:
    """Returns the overlay for a photo, or None if no cell has evidence."""
    rows, columns = evidence.height, evidence.width
    level = LEVEL * max(evidence.strength, default=0)
    if level == 0:
        return None
    cells = [list(evidence.strength[row * columns : (row + 1) * columns]) for row in range(rows)]
    lines = [line for line in contours(_extended(cells), level) if abs(area(line)) >= MIN_AREA_CELLS]
    left, right, bottom = -_MARGIN_CELLS, columns + _MARGIN_CELLS, rows + _MARGIN_CELLS
    return Overlay(
        columns=columns,
        rows=rows,
        outline="".join(rounded_path(line) for line in lines),
        surroundings=f"M{left} {left}H{right}V{bottom}H{left}Z",
        place=_place(cells, level),
    )


def _extended(cells: Sequence[Sequence[int]]) -> Grid:
    """Returns the strengths at the middles of the cells, continued beyond the photo's edges and 0 around that.

    So a line around evidence at an edge of the photo leaves the photo there, instead of running along the edge.
    """
    continued = [[0, row[0], *row, row[-1], 0] for row in cells]
    empty = [0] * len(continued[0])
    return Grid(
        xs=_positions(len(cells[0])),
        ys=_positions(len(cells)),
        values=[empty, continued[0], *continued, continued[-1], empty],
    )


def _positions(count: int) -> list[float]:
    """Returns the middles of `count` cells, with two positions on either side: beyond the edge, and at the margin."""
    middles = [index + 0.5 for index in range(count)]
    return [-_MARGIN_CELLS, -_MARGIN_CELLS / 2, *middles, count + _MARGIN_CELLS / 2, count + _MARGIN_CELLS]


def _place(cells: Sequence[Sequence[int]], level: float) -> str:
    """Returns "everywhere", or the place of the centre of gravity of the evidence inside of the line."""
    inside = [
        ((y + 0.5) / len(cells), (x + 0.5) / len(row), strength)
        for y, row in enumerate(cells)
        for x, strength in enumerate(row)
        if strength >= level
    ]
    if len(inside) > WIDESPREAD * len(cells) * len(cells[0]):
        return "everywhere"
    total = sum(strength for _, _, strength in inside)
    vertical = sum(y * strength for y, _, strength in inside) / total
    horizontal = sum(x * strength for _, x, strength in inside) / total
    return f"{_third(vertical, 'top', 'middle', 'bottom')}_{_third(horizontal, 'left', 'centre', 'right')}"


def _third(share: float, first: str, second: str, third: str) -> str:
    return first if share < 0.4 else second if share <= 0.6 else third
