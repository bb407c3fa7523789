"""The model card of a release."""

from dataclasses import replace
from pathlib import Path

from engine.version import EVALUATION_FILE, VersionDirectory, open_version
from registry.runs import RunRecord
from tests.support.tiny_model import tiny_version
from tests.support.trainer.evaluations import evaluation
from trainer.evaluation.figures import Evaluation, PartFigures
from trainer.release.card import render_figures, write_card


def run(**parameters: str) -> RunRecord:
    return RunRecord(parameters, started=0, photos=12, curves={})


def release(folder: Path) -> VersionDirectory:
    version = open_version(tiny_version(folder))
    evaluation().write(folder / "evaluation.json")
    return version


def test_a_new_card_asks_for_text_and_has_the_figures(tmp_path: Path) -> None:
    version = release(tmp_path)
    parameters = {"seed": "7", "head.augmentation.light": "3"}
    write_card(tmp_path / "none.md", tmp_path / "MODEL_CARD.md", version, run(**parameters))
    card = (tmp_path / "MODEL_CARD.md").read_text()
    assert card.startswith("# Model card")
    assert "| accuracy | 0.7500 |" in card
    assert "| x | 1.000 | 0.500 | 0.667 | 2 |" in card
    assert "- x taken for y: 1" in card
    assert "| seed | 7 |" in card
    assert "augmentation" not in card
    assert version.digest in card


def test_a_card_says_how_good_the_version_is_elsewhere(tmp_path: Path) -> None:
    version = release(tmp_path)
    parts = [PartFigures("fruits", False, 4, 1, 0, 0.02, ["a"]), PartFigures("shop/shelf", True, 50, 1, 5, 0.03, ["b"])]
    replace(Evaluation.read(version.path / EVALUATION_FILE), parts=parts).write(version.path / EVALUATION_FILE)
    card = render_figures(version, None)
    assert "| fruits | where it was trained | 4 | 75.0 % (30.1 to 95.4) | 0.020 |" in card
    assert "| shop/shelf | elsewhere | 50 | 98.0 % (89.5 to 99.6) | 0.030 | 2.0 % (0.4 to 10.5) | 10.0 % (4.3" in card


def test_a_release_keeps_the_text_and_replaces_the_figures(tmp_path: Path) -> None:
    version = release(tmp_path)
    path = tmp_path / "MODEL_CARD.md"
    write_card(path, path, version, run(seed="7"))
    path.write_text(path.read_text().replace("# Model card", "# Our fruits\n\nPrice: 3 \\1 euros.") + "\nThe end.\n")
    write_card(path, path, version, run(seed="8"))
    card = path.read_text()
    assert "Price: 3 \\1 euros." in card
    assert card.endswith("\nThe end.\n")
    assert "| seed | 8 |" in card
    assert "| seed | 7 |" not in card


def test_a_version_without_a_run_has_no_settings(tmp_path: Path) -> None:
    write_card(tmp_path / "none.md", tmp_path / "MODEL_CARD.md", release(tmp_path), None)
    card = (tmp_path / "MODEL_CARD.md").read_text()
    assert "Settings of the run" not in card
    assert "What each stage brought" not in card


def test_a_run_with_curves_has_a_table_of_its_stages(tmp_path: Path) -> None:
    curves = {"val_accuracy": [(30, 0.5), (90, 0.8125)], "val_loss": [(30, 2.0), (90, 0.625)]}
    record = replace(run(**{"head.epochs": "2"}), curves=curves)
    write_card(tmp_path / "none.md", tmp_path / "MODEL_CARD.md", release(tmp_path), record)
    card = (tmp_path / "MODEL_CARD.md").read_text()
    assert "| dense layers on the frozen backbone | 32 | 2 | 24 | 1.5 | 0.8125 | 0.625 |" in card
