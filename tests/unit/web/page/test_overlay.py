import pytest
from verger.v1 import classifier_pb2

from services.web.page.overlay import MAX_OPACITY, OverlayCell, overlay_for


def grid(height: int, width: int, *strength: int) -> classifier_pb2.EvidenceMap:
    return classifier_pb2.EvidenceMap(height=height, width=width, strength=bytes(strength))


def test_cells_are_dimmed_in_proportion_to_missing_evidence() -> None:
    overlay = overlay_for(grid(1, 3, 255, 51, 0))
    assert overlay is not None
    assert [cell.opacity for cell in overlay.cells] == [0, pytest.approx(0.8 * MAX_OPACITY), MAX_OPACITY]


def test_cells_keep_their_places_and_the_outer_ones_extend_beyond_the_photo() -> None:
    overlay = overlay_for(grid(3, 2, 255, 255, 255, 255, 255, 255))
    assert overlay is not None
    assert (overlay.columns, overlay.rows) == (2, 3)
    assert list(overlay.cells) == [
        OverlayCell(-2, -2, 3, 3, 0),
        OverlayCell(1, -2, 3, 3, 0),
        OverlayCell(-2, 1, 3, 1, 0),
        OverlayCell(1, 1, 3, 1, 0),
        OverlayCell(-2, 2, 3, 3, 0),
        OverlayCell(1, 2, 3, 3, 0),
    ]


def test_a_single_cell_covers_the_whole_photo() -> None:
    overlay = overlay_for(grid(1, 1, 255))
    assert overlay is not None
    assert list(overlay.cells) == [OverlayCell(-2, -2, 5, 5, 0)]


@pytest.mark.parametrize("evidence", [grid(2, 2, 0, 0, 0, 0), classifier_pb2.EvidenceMap()], ids=["zeros", "no map"])
def test_without_evidence_there_is_no_overlay(evidence: classifier_pb2.EvidenceMap) -> None:
    assert overlay_for(evidence) is None
