"""Figures of an evaluation as data."""

import json
from dataclasses import replace
from pathlib import Path

from tests.support.trainer.evaluations import evaluation
from trainer.evaluation.figures import Evaluation, NegativeFigures, PartFigures


def test_a_file_holds_what_was_written(tmp_path: Path) -> None:
    part = PartFigures("field/shelf", True, 50, 1, 2, 0.03, ["a.jpg"])
    found = replace(evaluation(unsure_below=0.75), parts=[part])
    found.write(tmp_path / "evaluation.json")
    assert type(found).read(tmp_path / "evaluation.json") == found


def test_the_file_is_json_that_others_can_read(tmp_path: Path) -> None:
    evaluation().write(tmp_path / "evaluation.json")
    content = json.loads((tmp_path / "evaluation.json").read_text())
    assert content["accuracy"] == 0.75
    assert content["classes"][0] == {"label": "x", "precision": 1.0, "recall": 0.5, "f1": 2 / 3, "support": 2}
    assert content["mistakes"][0]["file"] == "b"


def test_confusions_name_the_pairs_most_frequent_first() -> None:
    assert evaluation().confusions() == [(1, "x", "y")]
    often = replace(evaluation(), confusion=[[1, 1, 0], [3, 2, 0], [1, 0, 0]])
    assert often.confusions() == [(3, "y", "x"), (1, "x", "y"), (1, "z", "x")]


def test_the_summary_is_all_numbers() -> None:
    summary = evaluation().summary()
    assert summary["accuracy"] == 0.75
    assert summary["images"] == 4.0
    assert all(isinstance(value, float) for value in summary.values())


def test_the_summary_counts_the_pictures_of_each_part_from_elsewhere() -> None:
    parts = [PartFigures(name, name != "fruits", 50, 1, 2, 0.03, ["a.jpg"]) for name in ("fruits", "field/shelf")]
    found = {name: value for name, value in replace(evaluation(), parts=parts).summary().items() if "." in name}
    assert found == {"accuracy.field/shelf": 0.98, "images.field/shelf": 50.0}


def test_the_summary_says_how_many_negatives_of_each_group_were_refused() -> None:
    found = replace(evaluation(), negatives=[NegativeFigures("animals", 20, 0.97, 0.9)]).summary()
    assert (found["auroc.animals"], found["refused_share.animals"], found["negatives.animals"]) == (0.97, 0.9, 20.0)


def test_files_of_versions_before_parts_can_be_read(tmp_path: Path) -> None:
    content = evaluation().to_dict()
    del content["parts"]
    (tmp_path / "evaluation.json").write_text(json.dumps(content))
    assert Evaluation.read(tmp_path / "evaluation.json") == evaluation()
