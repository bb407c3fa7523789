"""Diagrams for MLflow."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from tests.support.trainer.evaluations import evaluation
from tests.support.trainer.shapes import shape
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.evaluation.figures import Mistake
from trainer.tracking.report import (
    CAPTION_PIXELS,
    TILE_PIXELS,
    confusion_figure,
    contact_sheet,
    curves_figure,
    reliability_figure,
)

SPEC = mobilenet_preprocessing()


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def drawn(figure: Figure) -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer)


def test_class_names_with_dollar_signs_are_no_formulas() -> None:
    figures = evaluation()
    named = [replace(item, label=f"$ \\broken{number} $") for number, item in enumerate(figures.classes)]
    assert drawn(confusion_figure(replace(figures, classes=named))).size[0] > 300


def test_the_confusion_matrix_shows_answers_with_unsure_and_out_of_scope() -> None:
    """One y has a best probability of 0.4; negatives are a row of their own."""
    found = evaluation(unsure_below=0.5)
    figure = confusion_figure(replace(found, answers=[*found.answers, [2, 0, 0, 0, 7]]))
    assert texts(figure) == ["1", "1", "1", "1", "2", "7"]
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["x", "y", "z", "unsure", "out of scope"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["x", "y", "z", "none of them"]
    assert axes.get_title() == "2 of 4 test pictures named rightly"
    assert drawn(figure).size[0] > 300


def test_curves_show_training_and_validation_of_all_stages() -> None:
    epochs = [{"loss": 1.0, "accuracy": 0.5, "val_loss": 0.9, "val_accuracy": 0.6}, {"loss": 0.5, "accuracy": 0.7}]
    figure = curves_figure(epochs, {0: "head", 1: "all"})
    loss, accuracy = figure.axes
    assert [list(line.get_ydata()) for line in accuracy.lines[:2]] == [[0.5, 0.7], [0.6]]
    assert list(loss.lines[1].get_xdata()) == [1]
    assert texts(figure) == ["head", "all"]
    assert drawn(figure).size[0] > 500


def test_the_reliability_diagram_has_a_point_for_each_bin() -> None:
    figure = reliability_figure(evaluation())
    points = figure.axes[0].collections[0].get_offsets()
    assert len(np.asarray(points)) == len(evaluation().reliability)
    assert drawn(figure).size == (500, 500)


def test_the_contact_sheet_shows_the_pictures_that_were_mistaken(tmp_path: Path) -> None:
    for seed in range(8):
        shape("red_circle", seed).save(tmp_path / f"{seed}.png")
    mistakes = [Mistake(f"{seed}.png", "red_circle", "green_square", 0.9) for seed in range(8)]
    sheet = contact_sheet(mistakes, tmp_path, SPEC)
    assert sheet.size == (6 * TILE_PIXELS, 2 * (TILE_PIXELS + CAPTION_PIXELS))
    reds = [pixel for pixel in sheet.get_flattened_data() if pixel[0] > 190 and max(pixel[1:]) < 60]
    assert len(reds) > 1000
