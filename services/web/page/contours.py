"""Lines around the parts of a grid that reach a level, by marching squares. These functions do no input or output."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]
"""x and y."""

Node = tuple[int, int]
"""Row and column of a value in the grid."""

Edge = tuple[Node, Node]
"""Two neighbouring nodes, the smaller one first."""


@dataclass(frozen=True)
class Grid:
    """Values at the crossings of lines at `xs`, increasing, and `ys`, increasing. `values` holds one row for each y."""

    xs: Sequence[float]
    ys: Sequence[float]
    values: Sequence[Sequence[float]]


def contours(grid: Grid, level: float) -> list[list[Point]]:
    """Returns closed lines between the values that reach the level and those that don't.

    Where a line passes between two values is interpolated linearly. Values that reach the level in opposite corners of
    a square are connected if the mean of the square reaches it too.

    Args:
        grid: a grid whose outermost values don't reach the level, so that all lines can close.
        level: what a value must reach to be inside.
    """
    following: dict[Edge, Edge] = {}
    for row in range(len(grid.ys) - 1):
        for column in range(len(grid.xs) - 1):
            following.update(_segments(grid.values, row, column, level))
    lines = []
    while following:
        first, edge = following.popitem()
        line = [first]
        while edge != first:
            line.append(edge)
            edge = following.pop(edge)
        lines.append([_crossing(grid, edge, level) for edge in line])
    return lines


def area(line: Sequence[Point]) -> float:
    """Returns the area that a closed line surrounds: positive or negative by its direction, which differs for holes."""
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise([*line, line[0]])) / 2


def rounded_path(line: Sequence[Point]) -> str:
    """Returns the data of an SVG path that follows a closed line and rounds its corners."""
    middles = [_between(before, after, 0.5) for before, after in pairwise([line[-1], *line])]
    ends = [*middles[1:], middles[0]]
    curves = [f"Q{_written(corner)} {_written(end)}" for corner, end in zip(line, ends, strict=True)]
    return f"M{_written(middles[0])}{''.join(curves)}Z"


def _segments(values: Sequence[Sequence[float]], row: int, column: int, level: float) -> Iterator[tuple[Edge, Edge]]:
    """Yields the pieces of lines in one square, each from the edge where it begins to the edge where it ends.

    Seen clockwise around the square, a piece begins where the corners come inside and ends where they go outside. The
    neighbour at that edge sees the opposite, so its piece continues this one.
    """
    corners = [(row, column), (row, column + 1), (row + 1, column + 1), (row + 1, column)]
    heights = [values[y][x] for y, x in corners]
    inside = [height >= level for height in heights]
    begins: list[Edge] = []
    ends: list[Edge] = []
    for here, there in ((0, 1), (1, 2), (2, 3), (3, 0)):
        if inside[here] != inside[there]:
            edge = (min(corners[here], corners[there]), max(corners[here], corners[there]))
            (begins if inside[there] else ends).append(edge)
    if len(begins) == 2 and inside[0] != (sum(heights) / 4 >= level):
        ends.reverse()
    return zip(begins, ends, strict=True)


def _crossing(grid: Grid, edge: Edge, level: float) -> Point:
    (y0, x0), (y1, x1) = edge
    start, end = grid.values[y0][x0], grid.values[y1][x1]
    return _between((grid.xs[x0], grid.ys[y0]), (grid.xs[x1], grid.ys[y1]), (level - start) / (end - start))


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _written(point: Point) -> str:
    return f"{point[0]:.2f} {point[1]:.2f}"
