"""Charts that read on light and dark pages: transparent, grey text, few colours."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # the backend is chosen first
from matplotlib.axes import Axes
from matplotlib.figure import Figure

GREY = "#7f7f7f"
GREEN = "#2e9e5b"
BLUE = "#3b82c4"
ORANGE = "#d97a2b"
COLOURS = (GREEN, BLUE, ORANGE)

matplotlib.rcParams["svg.hashsalt"] = "verger"  # the same figures give the same file


def new_chart(title: str, across: str, up: str) -> tuple[Figure, Axes]:
    """One panel; title and the names of both axes, with units."""
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
    """Groups of bars side by side: one colour a group, one bar a name."""
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
    """One line a group, from its places and values; upwards from zero.

    Args:
        scale: of the places, as matplotlib names it.
    """
    figure, panel = new_chart(title, across, up)
    for colour, (group, (places, values)) in zip(COLOURS, groups.items(), strict=False):
        panel.plot(places, values, marker=mark, markersize=4, label=group, color=colour)
    panel.set_xscale(scale)
    panel.xaxis.set_major_formatter("{x:g}")
    panel.set_ylim(bottom=0)
    finish(figure, panel, "lower left", path)


def finish(figure: Figure, panel: Axes, place: Literal["upper left", "lower left"], path: Path) -> None:
    """Writes the file, with a legend where there is more than one group."""
    names = panel.get_legend_handles_labels()[1]
    if len(names) > 1:
        panel.legend(loc=place, ncols=len(names), frameon=False, labelcolor=GREY)
    figure.tight_layout()
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Writes a figure as SVG, without its date."""
    figure.savefig(path, transparent=True, metadata={"Date": None})
    pyplot.close(figure)
