"""Draws the diagrams of a run for MLflow."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageOps
from verger.v1 import model_pb2

from trainer.data.pictures import open_picture
from trainer.evaluation.figures import Evaluation, Mistake

TILE_PIXELS = 160
CAPTION_PIXELS = 30
COLUMNS = 6
MAX_ROWS = 5


def confusion_figure(evaluation: Evaluation) -> Figure:
    """Draws counts of answers with true classes in rows and answers in columns; colours show shares of the row.

    UNSURE and OUT_OF_SCOPE are answers, too, and negatives are the last row where there are any.
    """
    counts = np.array(evaluation.answers)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    labels = [figures.label for figures in evaluation.classes]
    rows, columns = [*labels, "none of them"][: len(counts)], [*labels, "unsure", "out of scope"]
    side = 3 + 0.5 * len(columns)
    figure = Figure((side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Greens", vmin=0, vmax=1)
    axes.axvline(len(labels) - 0.5, color="lightgrey")
    axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(range(len(rows)), rows, parse_math=False)
    named = int(np.diag(counts[: len(labels), : len(labels)]).sum())
    axes.set(xlabel="answer", ylabel="true", title=f"{named} of {evaluation.images} test pictures named rightly")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.6 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour)
    return figure


def curves_figure(epochs: Sequence[Mapping[str, float]], stages: Mapping[int, str]) -> Figure:
    """Draws loss and accuracy over the epochs of all stages.

    Args:
        epochs: loss and accuracy of each epoch, and val_loss and val_accuracy if there were validation pictures.
        stages: names of the stages by the number of epochs before them.
    """
    figure = Figure((10, 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for key, text in ((name, "training views"), (f"val_{name}", "validation photos")):
            steps = [step for step, figures in enumerate(epochs, start=1) if key in figures]
            axes.plot(steps, [epochs[step - 1][key] for step in steps], marker=".", label=text)
        for epoch, stage in stages.items():
            axes.axvline(epoch + 0.5, color="lightgrey", zorder=0)
            axes.annotate(stage, (epoch + 0.6, 0.01), xycoords=("data", "axes fraction"), color="grey")
        axes.set(xlabel="epoch", title=name)
        axes.legend()
    return figure


def reliability_figure(evaluation: Evaluation) -> Figure:
    """Draws the share of right answers over their probability."""
    figure = Figure((5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="lightgrey", zorder=0)
    bins = evaluation.reliability
    sizes = [8 + 300 * part.images / evaluation.images for part in bins]
    axes.scatter([part.probability for part in bins], [part.right for part in bins], sizes, color="seagreen")
    error = evaluation.expected_calibration_error
    axes.set(xlabel="probability", ylabel="share right", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.set_title(f"Expected calibration error {error:.3f}")
    return figure


def contact_sheet(mistakes: Sequence[Mistake], root: Path, spec: model_pb2.Preprocessing) -> Image.Image:
    """Draws the most confident mistakes with their true and predicted classes.

    Args:
        mistakes: at least one.
        root: folder that the mistakes' files are relative to.
        spec: decoding of these files.
    """
    shown = mistakes[: COLUMNS * MAX_ROWS]
    rows = -(-len(shown) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE_PIXELS, rows * (TILE_PIXELS + CAPTION_PIXELS)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, mistake in enumerate(shown):
        left, top = number % COLUMNS * TILE_PIXELS, number // COLUMNS * (TILE_PIXELS + CAPTION_PIXELS)
        picture = ImageOps.contain(open_picture(root / mistake.file, spec), (TILE_PIXELS - 6, TILE_PIXELS - 6))
        sheet.paste(picture, (left + 3, top + 3))
        text = f"{mistake.label}, taken for\n{mistake.predicted} ({mistake.probability:.0%})"
        draw.text((left + 3, top + TILE_PIXELS), text, fill="black")
    return sheet
