"""Draws charts that are legible on light and dark pages: transparent, with grey text and few colours."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # must follow the choice of the backend
from matplotlib.axes import Axes
from matplotlib.figure import Figure

GREY = "#7f7f7f"
GREEN = "#2e9e5b"
BLUE = "#3b82c4"
ORANGE = "#d97a2b"
COLOURS = (GREEN, BLUE, ORANGE)

matplotlib.rcParams["svg.hashsalt"] = "verger"  # so that the same figures give the same file


def new_chart(title: str, across: str, up: str) -> tuple[Figure, Axes]:
    """Returns one panel with a title and the names of both axes."""
    figure, panel = pyplot.subplots(figsize=(6, 3))
    panel.set_title(title, color=GREY, fontsize=10)
    panel.set_xlabel(across, color=GREY)
    panel.set_ylabel(up, color=GREY)
    panel.tick_params(which="both", colors=GREY)
    panel.spines[["top", "right"]].set_visible(False)
    panel.spines[["left", "bottom"]].set_color(GREY)
    return figure, panel


def bars(
    title: str, across: str, up: str, groups: Mapping[str, Sequence[float]], names: Sequence[str], path: Path
) -> None:
    """Draws groups of bars side by side, with one colour per group and one bar per name."""
    figure, panel = new_chart(title, across, up)
    width = 0.8 / len(groups)
    for number, (group, values) in enumerate(groups.items()):
        places = [place + (number - (len(groups) - 1) / 2) * width for place in range(len(names))]
        drawn = panel.bar(places, values, width * 0.95, label=group, color=COLOURS[number])
        panel.bar_label(drawn, fmt="%.0f", padding=2, color=GREY)
    panel.set_xticks(range(len(names)), names)
    panel.margins(y=0.15)
    finish(figure, panel, "upper left", path)


def lines(
    title: str,
    across: str,
    up: str,
    groups: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    path: Path,
    mark: str = "o",
    scale: str = "linear",
) -> None:
    """Draws one line per group from its x and y values. The y axis starts at zero.

    Args:
        scale: scale of the x axis, by its name in matplotlib.
    """
    figure, panel = new_chart(title, across, up)
    for colour, (group, (places, values)) in zip(COLOURS, groups.items(), strict=False):
        panel.plot(places, values, marker=mark, markersize=4, label=group, color=colour)
    panel.set_xscale(scale)
    panel.xaxis.set_major_formatter("{x:g}")
    panel.set_ylim(bottom=0)
    finish(figure, panel, "lower left", path)


def finish(figure: Figure, panel: Axes, place: Literal["upper left", "lower left"], path: Path) -> None:
    """Adds a legend if there is more than one group, and writes the file."""
    names = panel.get_legend_handles_labels()[1]
    if len(names) > 1:
        panel.legend(loc=place, ncols=len(names), frameon=False, labelcolor=GREY)
    figure.tight_layout()
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Writes a figure as SVG without a date."""
    figure.savefig(path, transparent=True, metadata={"Date": None})
    pyplot.close(figure)
