import itertools

import pytest

from services.web.page.contours import Grid, area, contours, rounded_path


def grid(*rows: str) -> Grid:
    """Returns a grid of digits with a border of zeros, at whole numbers from -1 on."""
    width = len(rows[0])
    values = [[0] * (width + 2), *([0, *map(int, row), 0] for row in rows), [0] * (width + 2)]
    return Grid(range(-1, width + 1), range(-1, len(rows) + 1), values)


def test_a_single_value_is_surrounded_at_the_level() -> None:
    (line,) = contours(grid("4"), 1)
    assert sorted(line) == [(-0.75, 0), (0, -0.75), (0, 0.75), (0.75, 0)]


def test_nothing_is_drawn_where_nothing_reaches_the_level() -> None:
    assert contours(grid("12", "21"), 3) == []


def test_a_hole_has_a_line_of_its_own_in_the_other_direction() -> None:
    inner, outer = sorted(contours(grid("444", "404", "444"), 2), key=lambda line: abs(area(line)))
    assert abs(area(inner)) == 0.5
    assert area(inner) * area(outer) < 0


@pytest.mark.parametrize(
    ("rows", "lines"), [(("81", "18"), 2), (("94", "49"), 1), (("18", "81"), 2), (("49", "94"), 1)], ids=str
)
def test_opposite_corners_are_connected_if_the_mean_of_the_square_reaches_the_level(
    rows: tuple[str, ...], lines: int
) -> None:
    assert len(contours(grid(*rows), 5)) == lines


def test_every_grid_of_three_by_three_has_closed_lines_around_what_reaches_the_level() -> None:
    """Seen from any value, the lines around it wind once if it reaches the level and not at all if it does not."""
    for cells in itertools.product("05", repeat=9):
        rows = ["".join(cells[start : start + 3]) for start in (0, 3, 6)]
        lines = contours(grid(*rows), 2)
        for y, x in itertools.product(range(3), repeat=2):
            assert sum(crosses(line, x, y) for line in lines) % 2 == (rows[y][x] == "5"), rows


def crosses(line: list[tuple[float, float]], x: float, y: float) -> int:
    """Returns how often the line crosses the ray that leaves a point to the right, slightly downwards of it."""
    y += 1e-6
    return sum(
        x0 + (y - y0) / (y1 - y0) * (x1 - x0) > x
        for (x0, y0), (x1, y1) in itertools.pairwise([*line, line[0]])
        if (y0 > y) != (y1 > y)
    )


def test_a_path_passes_the_middles_and_rounds_the_corners() -> None:
    path = rounded_path([(0, 0), (4, 0), (4, 2), (0, 2)])
    assert path == "M0.00 1.00Q0.00 0.00 2.00 0.00Q4.00 0.00 4.00 1.00Q4.00 2.00 2.00 2.00Q0.00 2.00 0.00 1.00Z"
