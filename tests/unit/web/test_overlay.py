import pytest
from verger.v1 import classifier_pb2

from services.web.page.overlay import THICKEST, FogCell, fog_over


def grid(height: int, width: int, *strength: int) -> classifier_pb2.EvidenceMap:
    return classifier_pb2.EvidenceMap(height=height, width=width, strength=bytes(strength))


def test_what_speaks_stays_clear_and_the_rest_lies_in_fog() -> None:
    fog = fog_over(grid(1, 3, 255, 51, 0))
    assert fog is not None
    assert [cell.opacity for cell in fog.cells] == [0, pytest.approx(0.8 * THICKEST), THICKEST]


def test_cells_lie_where_they_are_in_the_map_and_the_outer_ones_reach_beyond_it() -> None:
    fog = fog_over(grid(3, 2, 255, 255, 255, 255, 255, 255))
    assert fog is not None
    assert (fog.columns, fog.rows) == (2, 3)
    assert list(fog.cells) == [
        FogCell(-2, -2, 3, 3, 0),
        FogCell(1, -2, 3, 3, 0),
        FogCell(-2, 1, 3, 1, 0),
        FogCell(1, 1, 3, 1, 0),
        FogCell(-2, 2, 3, 3, 0),
        FogCell(1, 2, 3, 3, 0),
    ]


def test_a_single_cell_covers_the_whole_photo() -> None:
    fog = fog_over(grid(1, 1, 255))
    assert fog is not None
    assert list(fog.cells) == [FogCell(-2, -2, 5, 5, 0)]


@pytest.mark.parametrize("silent", [grid(2, 2, 0, 0, 0, 0), classifier_pb2.EvidenceMap()], ids=["silent", "none"])
def test_where_nothing_speaks_there_is_nothing_to_draw(silent: classifier_pb2.EvidenceMap) -> None:
    assert fog_over(silent) is None
