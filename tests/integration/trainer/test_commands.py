"""The command line on a registered version, and its messages when something is wrong."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.repository import ROOT
from tests.support.servers.mlflow_server import free_port
from tests.support.trainer.shapes import shape, write_parts, write_shapes
from tests.support.trainer.trainer_command import Command, trainer_command
from trainer.config import TrainerSettings
from trainer.release.release import import_release


@pytest.fixture(scope="module")
def champion(settings: TrainerSettings) -> str:
    """The released model, registered."""
    version = import_release(settings)
    assert version
    return version


@pytest.fixture(scope="module")
def fruits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shapes in folders with names of fruits, which the model knows."""
    names = {"red_circle": "apple", "green_square": "kiwi", "blue_bar": "mango"}
    root = tmp_path_factory.mktemp("fruits")
    write_shapes(root / "test", 4, named=names)
    write_shapes(root / "train", 1, first=100, named=names)
    return root


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three files that decode and two that do not."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, name in enumerate(("a.png", "b.jpg", "c.webp")):
        shape("red_circle", number).save(folder / name)
    (folder / "broken.jpg").write_bytes(b"broken")
    return [*sorted(folder.iterdir()), folder / "none.jpg"]


def answers(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


def evaluated(trainer: Command, data: Path, folder: Path) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Runs `evaluate`; returns what it printed and the figures that it wrote."""
    done = trainer("evaluate", "--data", data, "--json", folder / "figures.json")
    assert done.returncode == 0, done.stderr
    return done, json.loads((folder / "figures.json").read_text())


def test_a_file_for_figures_that_can_not_be_written_is_named_before_the_work(
    trainer: Command, champion: str, fruits: Path, tmp_path: Path
) -> None:
    done = trainer("evaluate", "--data", fruits, "--json", tmp_path / "none" / "figures.json")
    assert done.returncode == 2
    assert "Invalid value for '--json'" in done.stderr
    assert "Testing" not in done.stderr


def test_evaluate_writes_json_to_the_standard_output(trainer: Command, champion: str, fruits: Path) -> None:
    done = trainer("evaluate", "--data", fruits, "--json", "-")
    assert json.loads(done.stdout)["images"] > 0
    assert "accuracy" in done.stderr


def test_evaluate_prints_a_table_and_writes_json(trainer: Command, champion: str, fruits: Path, tmp_path: Path) -> None:
    (fruits / "test" / "kiwi" / "broken.jpg").write_bytes(b"broken")
    done, figures = evaluated(trainer, fruits, tmp_path)
    assert "accuracy" in done.stdout
    assert "broken.jpg" in done.stderr
    assert figures["images"] == 12
    assert [Path(item["file"]).name for item in figures["unreadable"]] == ["broken.jpg"]
    assert {item["label"] for item in figures["classes"] if item["support"]} == {"apple", "kiwi", "mango"}
    assert {"macro_f1", "expected_calibration_error", "refused_share", "mistakes"} <= set(figures)
    assert figures["overlap"] == []


def test_evaluate_prints_each_part_with_its_interval(
    trainer: Command, champion: str, fruits: Path, tmp_path: Path
) -> None:
    other = write_shapes(tmp_path / "shop" / "market", 31, ("red_circle",), named={"red_circle": "apple"})
    for path in sorted((other / "apple").iterdir())[:30]:
        path.rename(path.with_name(f"apple_shelf_{path.name}"))
    none = write_shapes(tmp_path / "none", 5, ("blue_bar",), first=50)
    arguments = ("--elsewhere", other, "--negatives", none, "--groups", "--json", tmp_path / "figures.json")
    done = trainer("evaluate", "--data", fruits, *arguments)
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.strip("│ ").split("│")] for line in done.stdout.splitlines() if "│" in line]
    counts = {row[0]: row[1] for row in rows if len(row) > 1}
    collection = f"{other.parent.name}/market"
    assert counts[fruits.name] == "12"
    assert (counts[collection], counts[f"{collection}/shelf"]) == ("1", "30")
    assert counts["others"] == "5"
    assert ["elsewhere"] in rows
    figures = json.loads((tmp_path / "figures.json").read_text())
    (shelf,) = (part for part in figures["parts"] if part["part"] == f"{collection}/shelf")
    assert (shelf["images"], shelf["is_elsewhere"]) == (30, True)
    assert figures["images"] == 12  # the other figures are those of --data alone
    (row,) = (row for row in rows if row[0] == f"{collection}/shelf")
    assert row[2].startswith(f"{100 - 100 * len(shelf['wrong']) / 30:.1f} %")


def test_evaluate_leaves_out_copies_of_training_pictures(
    trainer: Command, champion: str, fruits: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(fruits, tmp_path / "fruits"))
    seen, copy = data / "train" / "mango" / "100.png", data / "test" / "mango" / "copy.jpg"
    with Image.open(seen) as image:
        image.save(copy)
    done, figures = evaluated(trainer, data, tmp_path)
    assert "1 test pictures show the same photo as a training picture" in done.stderr
    assert "mango/copy.jpg (as mango/100.png)" in done.stderr
    assert figures["images"] == 12
    assert figures["overlap"] == [{"test": str(copy), "train": str(seen)}]


@pytest.mark.parametrize("model", ["release", "1", "models:/test_commands/1", "models:/test_commands@champion"])
def test_a_version_can_be_named_in_several_ways(
    trainer: Command, champion: str, pictures: list[Path], model: str
) -> None:
    done = trainer("predict", "--model", model, pictures[0])
    assert done.returncode == 0, done.stderr
    assert answers(done.stdout)[0]["file"] == str(pictures[0])


def test_predict_answers_each_file_and_names_unreadable_ones(
    trainer: Command, champion: str, pictures: list[Path]
) -> None:
    done = trainer("predict", *pictures)
    assert done.returncode == 1
    found = {Path(answer["file"]).name: answer for answer in answers(done.stdout)}
    assert list(found) == [path.name for path in pictures]
    for name in ("a.png", "b.jpg", "c.webp"):
        chances = [item["probability"] for item in found[name]["predictions"]]
        assert sum(chances) == pytest.approx(1, abs=1e-5)
        assert chances == sorted(chances, reverse=True)
        assert found[name]["verdict"] in ("RECOGNISED", "UNSURE", "OUT_OF_SCOPE")
    assert found["broken.jpg"]["error"]["reason"] == "IMAGE_FORMAT_UNSUPPORTED"
    assert found["none.jpg"]["error"]["reason"] == "FILE_UNREADABLE"


def test_the_served_graph_gives_the_answers_of_the_keras_model(trainer: Command, photo_data: Path) -> None:
    """The released graph computes in 8-bit integers, which change a probability in between by some hundredths."""
    with (photo_data / "odd" / "INDEX.csv").open() as file:
        odd = [photo_data / "odd" / row["file"] for row in csv.DictReader(file)]
    served, keras = (
        answers(trainer("predict", "--model", "release", *more, *odd).stdout) for more in ([], ["--keras"])
    )
    assert len(served) == len(keras) == len(odd)
    for one, other in zip(served, keras, strict=True):
        assert one.get("error") == other.get("error")
        chances = [
            {item["label"]: item["probability"] for item in answer.get("predictions", [])} for answer in (one, other)
        ]
        assert chances[0] == pytest.approx(chances[1], abs=0.1)
    assert sum("error" in answer for answer in served) == 1  # truncated_avocado.jpg


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("train", "--data", "/no/such/folder"), 2, "DATA_NOT_FOUND There is no folder /no/such/folder"),
        (("train",), 2, "Missing option '--data'"),
        (("train", "--data", "DATA", "--weights", "none.h5"), 2, "WEIGHTS_INVALID There is no weights file none.h5"),
        (
            ("train", "--data", "DATA", "--weights", "release", "--epochs", "0"),
            2,
            "should be greater than or equal to 1",
        ),
        (("evaluate", "--data", "DATA"), 2, "DATA_CLASSES_DIFFER"),
        (("evaluate", "--data", "DATA", "--model", "best"), 2, 'VERSION_UNKNOWN There is no version "best"'),
        (("promote", "9"), 2, "VERSION_UNKNOWN test_commands has no version 9. It has: 1."),
        (("rollback",), 2, "VERSION_UNKNOWN test_commands has no previous champion"),
        (("release", "9"), 2, "VERSION_UNKNOWN"),
    ],
)
def test_wrong_usage_gets_a_reason_and_a_sentence(
    trainer: Command, champion: str, tmp_path: Path, arguments: tuple[str, ...], code: int, expected: str
) -> None:
    data = str(write_parts(tmp_path, 1, 1))
    done = trainer(*(data if item == "DATA" else item for item in arguments))
    assert done.returncode == code
    assert expected in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--data", "DATA"),
        ("evaluate", "--data", "DATA"),
        ("promote", "1"),
        ("rollback",),
    ],
)
def test_commands_fail_at_once_if_mlflow_does_not_answer(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    data = str(write_parts(tmp_path, 2, 1))
    url = f"http://127.0.0.1:{free_port()}"
    done = subprocess.run(
        [sys.executable, "-m", "trainer", *(data if item == "DATA" else item for item in arguments)],
        cwd=ROOT,
        env=os.environ | {"VERGER_MLFLOW_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert f"REGISTRY_UNAVAILABLE MLflow does not answer at {url}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["list", "rollback", "import-release"])
def test_every_command_names_its_registry_first(settings: TrainerSettings, trainer: Command, command: str) -> None:
    first, *_ = trainer(command).stderr.splitlines()
    assert first == f"Registry: test_commands in MLflow at {settings.mlflow_url}"


def test_list_shows_aliases_figures_and_what_the_gate_said(trainer: Command, champion: str) -> None:
    head, figures, reason = trainer("list").stdout.splitlines()
    assert head.startswith(f"version {champion}  champion  20")
    assert re.fullmatch(r"    accuracy 0\.\d+, images \d+, expected calibration error 0\.\d+, .*", figures)
    assert reason == "    Imported release."


def test_a_model_of_another_name_gets_no_release_and_the_command_that_trains_it(
    settings: TrainerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERGER_TRAIN_COMMAND", "../launch.sh --train DIR")
    trainer = trainer_command(settings.model_copy(update={"model_name": "flowers"}))
    imported = trainer("import-release")
    assert imported.returncode == 0, imported.stderr
    assert "The release is fruit-classifier and not flowers, so nothing is imported." in imported.stdout
    assert imported.stdout.endswith("train one: ../launch.sh --train DIR\n")
    assert trainer("list").stdout == "flowers has no version yet. Train one: ../launch.sh --train DIR\n"


def test_an_invalid_setting_is_named(trainer: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERGER_TRAINER_WORKERS", "many")
    done = trainer("rollback")
    assert done.returncode == 2
    assert "SETTING_INVALID" in done.stderr
    assert "VERGER_TRAINER_WORKERS" in done.stderr


def run_without(packages: tuple[str, ...], code: str) -> subprocess.CompletedProcess[str]:
    refuse = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Refuse())
"""
    command = [sys.executable, "-c", refuse + code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_registry_commands_need_no_training_library() -> None:
    """They run in the serving environment."""
    heavy = ("tensorflow", "keras", "onnx", "tf2onnx", "sklearn", "scipy", "matplotlib", "kagglehub")
    done = run_without(heavy, "import trainer.cli.app, registry.models, trainer.release.release")
    assert done.returncode == 0, done.stderr


def test_a_missing_package_is_named_with_the_requirements_to_install() -> None:
    code = "import trainer.cli.app; sys.argv[1:] = ['fetch', '--to', '/none']; trainer.cli.app.main()"
    done = run_without(("kagglehub",), code)
    assert done.returncode == 1
    assert "PACKAGE_MISSING This command needs the package kagglehub" in done.stderr
