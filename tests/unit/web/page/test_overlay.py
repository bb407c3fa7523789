import re

import pytest
from verger.v1 import classifier_pb2

from services.web.page.overlay import LEVEL, overlay_for


def grid(height: int, width: int, *strength: int) -> classifier_pb2.EvidenceMap:
    return classifier_pb2.EvidenceMap(height=height, width=width, strength=bytes(strength))


def spans(path: str) -> list[tuple[float, float, float, float]]:
    """Returns the smallest and largest x and y of each closed line of a path."""
    lines = [[float(number) for number in re.findall(r"[-\d.]+", line)] for line in path.split("Z")[:-1]]
    return [(min(line[::2]), max(line[::2]), min(line[1::2]), max(line[1::2])) for line in lines]


def test_the_outline_runs_between_the_cells_with_and_without_evidence() -> None:
    overlay = overlay_for(grid(3, 3, 0, 0, 0, 0, 255, 0, 0, 0, 0))
    assert overlay is not None
    assert (overlay.columns, overlay.rows) == (3, 3)
    half = 1 - LEVEL  # of the way from the middle of the cell to its neighbour's
    assert spans(overlay.outline) == [pytest.approx((1.5 - half, 1.5 + half, 1.5 - half, 1.5 + half))]


@pytest.mark.parametrize(
    ("cells", "edges"),
    [
        ((255, 255, 0, 0, 255, 255, 0, 0), (True, False, True, True)),
        ((0, 0, 0, 0, 0, 0, 255, 255), (False, True, False, True)),
    ],
    ids=["left half", "bottom right corner"],
)
def test_the_outline_leaves_the_photo_where_the_evidence_touches_its_edge(
    cells: tuple[int, ...], edges: tuple[bool, ...]
) -> None:
    overlay = overlay_for(grid(2, 4, *cells))
    assert overlay is not None
    ((left, right, top, bottom),) = spans(overlay.outline)
    assert (left < -0.5, right > 4.5, top < -0.5, bottom > 2.5) == edges


def test_parts_that_are_apart_have_outlines_of_their_own() -> None:
    overlay = overlay_for(grid(1, 5, 255, 0, 0, 0, 200))
    assert overlay is not None
    assert len(spans(overlay.outline)) == 2


def test_a_tiny_part_is_not_outlined() -> None:
    overlay = overlay_for(grid(3, 3, 255, 255, 255, 255, 100, 255, 255, 255, 255))  # 100 is just below the level
    assert overlay is not None
    assert len(spans(overlay.outline)) == 1


def test_the_surroundings_cover_the_photo_and_its_outline() -> None:
    overlay = overlay_for(grid(2, 3, 255, 255, 255, 255, 255, 255))
    assert overlay is not None
    ((left, right, top, bottom),) = spans(overlay.outline)
    assert overlay.surroundings == "M-2 -2H5V4H-2Z"
    assert (left > -2, right < 5, top > -2, bottom < 4) == (True,) * 4


@pytest.mark.parametrize(
    ("evidence", "place"),
    [
        (grid(3, 3, 255, 0, 0, 0, 0, 0, 0, 0, 0), "top_left"),
        (grid(3, 3, 0, 0, 0, 0, 255, 0, 0, 0, 0), "middle_centre"),
        (grid(3, 3, 0, 0, 0, 0, 0, 255, 0, 0, 0), "middle_right"),
        (grid(3, 3, 0, 0, 0, 0, 0, 0, 200, 255, 200), "bottom_centre"),
        (grid(3, 3, 255, 90, 0, 0, 0, 0, 0, 0, 0), "top_left"),  # what is outside of the line does not count
        (grid(3, 3, *[255] * 7, 0, 0), "everywhere"),
        (grid(1, 1, 255), "everywhere"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_place_of_the_evidence_is_named(evidence: classifier_pb2.EvidenceMap, place: str) -> None:
    overlay = overlay_for(evidence)
    assert overlay is not None
    assert overlay.place == place


@pytest.mark.parametrize("evidence", [grid(2, 2, 0, 0, 0, 0), classifier_pb2.EvidenceMap()], ids=["zeros", "no map"])
def test_without_evidence_there_is_no_overlay(evidence: classifier_pb2.EvidenceMap) -> None:
    assert overlay_for(evidence) is None
