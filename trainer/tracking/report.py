"""Pictures of how a run went, for MLflow. Pure: figures in, figures out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageOps

from trainer.data.pictures import open_picture
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.evaluation.figures import Evaluation, Mistake

TILE = 160
COLUMNS = 6
ROWS = 5


def confusion_figure(evaluation: Evaluation) -> Figure:
    """Rows are true classes, columns predicted ones; colour is the share of the row."""
    counts = np.array(evaluation.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    labels = [figures.label for figures in evaluation.classes]
    side = 3 + 0.5 * len(labels)
    figure = Figure((side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Greens", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted", ylabel="true", title=f"{evaluation.accuracy:.1%} of {evaluation.images} right")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.6 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour)
    return figure


def curves_figure(epochs: Sequence[Mapping[str, float]], stages: Mapping[int, str]) -> Figure:
    """Loss and accuracy over the epochs of all stages.

    Args:
        epochs: for each epoch loss, accuracy and perhaps val_loss, val_accuracy.
        stages: the name of the stage that starts at an epoch.
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
    """How often answers of a given probability are right."""
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


def contact_sheet(mistakes: Sequence[Mistake], root: Path) -> Image.Image:
    """The most confident mistakes, each with what it is and what it was taken for. Never leaves MLflow."""
    shown = mistakes[: COLUMNS * ROWS]
    rows = max(1, -(-len(shown) // COLUMNS))
    sheet = Image.new("RGB", (COLUMNS * TILE, rows * (TILE + 30)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, mistake in enumerate(shown):
        left, top = number % COLUMNS * TILE, number // COLUMNS * (TILE + 30)
        picture = ImageOps.contain(open_picture(root / mistake.file, mobilenet_preprocessing()), (TILE - 6, TILE - 6))
        sheet.paste(picture, (left + 3, top + 3))
        text = f"{mistake.label}, taken for\n{mistake.predicted} ({mistake.probability:.0%})"
        draw.text((left + 3, top + TILE), text, fill="black")
    return sheet
