"""A version that learned to refuse is followed by one that refuses as well without the pictures of negatives.

There are two classes of coloured shapes; the third shape is the negative. Backbone: the release's, in a real MLflow.
Its own negatives are left out where the test is about those of the shapes.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import mlflow.artifacts
import pytest
from mlflow import MlflowClient

from engine.version import NEGATIVES_FILE, SERVING_FILE, open_version
from registry.aliases import CHALLENGER, CHAMPION, PREVIOUS
from registry.models import Registry
from tests.support.trainer.exports import exporting_once
from tests.support.trainer.released import RELEASED_WEIGHTS
from tests.support.trainer.shapes import LABELS, write_parts, write_shapes
from tests.support.trainer.training import full_context, ignore_progress, load
from trainer.config import TrainerSettings
from trainer.data.dataset import Dataset
from trainer.data.loading import load_negatives
from trainer.data.names import groups_of
from trainer.evaluation.evaluate import EvaluationData, evaluate
from trainer.evaluation.figures import Evaluation
from trainer.runs.registration import Outcome
from trainer.runs.train import train
from trainer.training import examples, head, remembered_negatives
from trainer.training.recipe import HeadStage, Recipe
from trainer.training.remembered_negatives import RememberedNegatives

CLASSES, OTHER = LABELS[:2], LABELS[2:]
RECIPE = Recipe(HeadStage(epochs=5, learning_rate=3e-3))


@pytest.fixture(scope="module", autouse=True)
def one_export(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Exports the backbone once, because all versions here have the release's. In other files each run exports it."""
    graph = exporting_once(tmp_path_factory.mktemp("exports"))
    with pytest.MonkeyPatch.context() as patch:
        for module in (examples, head, remembered_negatives):
            patch.setattr(module, "feature_graph", graph)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough validation pictures (33, and 34 negatives) to calibrate on and to compare refusals."""
    folder = tmp_path_factory.mktemp("data")
    write_parts(folder / "shapes", 110, 30, CLASSES)
    write_shapes(folder / "negatives", 260, OTHER)
    write_shapes(folder / "unseen", 60, OTHER, first=1000)
    return folder


def load_shapes(data: Path, *negatives: str) -> Dataset:
    return load(data / "shapes", negatives=[data / name for name in negatives])


@pytest.fixture(scope="module")
def first(data: Path, settings: TrainerSettings) -> Outcome:
    """Trained with pictures of negatives."""
    return train(full_context(load_shapes(data, "negatives"), settings, RECIPE), RELEASED_WEIGHTS)


@pytest.fixture(scope="module")
def second(first: Outcome, data: Path, settings: TrainerSettings) -> Outcome:
    """Trained without pictures of negatives."""
    return train(full_context(load_shapes(data), settings, RECIPE, seed=1), "champion")


def download(registry: Registry, version: str, folder: Path) -> Path:
    mlflow.artifacts.download_artifacts(f"models:/{registry.name}/{version}/", dst_path=str(folder))
    return folder


def on_unseen(version: Path, data: Path) -> Evaluation:
    """Evaluates a version on negatives that no version was trained on."""
    contract = open_version(version).contract
    negatives, _ = load_negatives([data / "unseen"], contract.preprocessing, 2, ignore_progress)
    pictures = EvaluationData(data, load_shapes(data).test, negatives)
    return evaluate(version / SERVING_FILE, contract, pictures, 2, ignore_progress)


def test_a_version_remembers_its_negatives_without_their_pictures(
    first: Outcome, data: Path, registry: Registry, tmp_path: Path
) -> None:
    assert first.decision.passed
    assert [group.group for group in first.evaluation.negatives] == ["others"]
    negatives = RememberedNegatives.read(download(registry, "1", tmp_path) / NEGATIVES_FILE)
    dataset = load_shapes(data, "negatives")
    assert len(negatives.training) == len(dataset.negatives)
    assert len(negatives.validation) == len(dataset.validation_negatives) >= 30


def test_without_pictures_the_next_version_refuses_as_before(
    second: Outcome, data: Path, registry: Registry, settings: TrainerSettings, tmp_path: Path
) -> None:
    assert second.decision.passed, second.decision.reason
    assert [group.group for group in second.evaluation.negatives] == ["remembered_others"]
    assert registry.aliases() == {CHAMPION: "2", PREVIOUS: "1"}
    versions = [download(registry, number, tmp_path / number) for number in ("1", "2")]
    before, after = (on_unseen(version, data).negatives[0] for version in versions)
    assert before.auroc > 0.95
    assert after.auroc > 0.95  # 0.67 without remembered negatives
    files = [(version / NEGATIVES_FILE).read_bytes() for version in versions]
    assert files[0] == files[1]
    client = MlflowClient(settings.mlflow_url)
    run = client.get_run(client.get_model_version(settings.model_name, "2").run_id)
    assert run.data.params["remembered_negatives"] == "260"


def test_a_version_that_was_not_tested_on_negatives_does_not_replace_one_that_was(
    second: Outcome, data: Path, settings: TrainerSettings, registry: Registry
) -> None:
    """Weights from a file come without remembered negatives."""
    context = full_context(load_shapes(data), settings, Recipe(HeadStage(epochs=1)))
    outcome = train(context, RELEASED_WEIGHTS)
    assert outcome.evaluation.negatives == []
    assert not outcome.decision.passed
    assert "name pictures with --negatives DIR, or promote by hand" in outcome.decision.reason
    assert registry.aliases() == {CHAMPION: "2", PREVIOUS: "1", CHALLENGER: outcome.version}


def test_a_version_records_the_best_accuracy_of_its_lineage(
    second: Outcome, first: Outcome, registry: Registry
) -> None:
    before, after = registry.tags_of("1"), registry.tags_of("2")
    assert before["test_digest"] == after["test_digest"]
    assert float(before["held_to"]) == first.evaluation.accuracy
    assert float(after["held_to"]) == max(first.evaluation.accuracy, second.evaluation.accuracy)


def test_other_classes_learn_the_negatives_of_the_release_and_are_tested_on_them(
    settings: TrainerSettings, tmp_path: Path
) -> None:
    """Nobody names negatives. Shapes look like none of the release's, so all of these are used."""
    settings = settings.model_copy(update={"model_name": "other_classes"})
    context = full_context(load(write_parts(tmp_path, 8, 3, CLASSES)), settings, Recipe(HeadStage(epochs=1)))
    outcome = train(context)
    tested = {group.group.removeprefix("remembered_"): group.images for group in outcome.evaluation.negatives}
    remembered = RememberedNegatives.read(settings.release_dir / NEGATIVES_FILE)
    assert tested == Counter(groups_of(remembered.validation.kinds.tolist()))
    assert {"otherfruit", "things", "vegetables"} <= set(tested)
    client = MlflowClient(settings.mlflow_url)
    run = client.get_run(client.get_model_version(settings.model_name, outcome.version).run_id)
    assert run.data.params["remembered_negatives"] == str(len(remembered))
