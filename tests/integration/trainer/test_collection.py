"""Training on a dataset version of the collection."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from verger.v1 import datasets_pb2

from registry.models import Registry
from tests.support.collected import import_all, shapes
from tests.support.servers.collection_server import SECONDS, Collection, running_collection
from tests.support.trainer.shapes import LABELS
from tests.support.trainer.trainer_command import Command, trainer_command
from trainer.config import TrainerSettings

TRAIN, TEST = 30, 8


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    folder = tmp_path_factory.mktemp("collection")
    with running_collection(folder / "photos", f"sqlite:///{folder / 'collection.db'}") as running:
        yield running


@pytest.fixture(scope="module")
def trainer(settings: TrainerSettings, collection: Collection) -> Command:
    return trainer_command(settings.model_copy(update={"collection_target": f"127.0.0.1:{collection.port}"}))


@pytest.fixture(scope="module")
def version(settings: TrainerSettings, collection: Collection) -> datasets_pb2.Dataset:
    import_all(collection, shapes(settings.model_name, {"train": TRAIN, "test": TEST}))
    request = datasets_pb2.CreateDatasetRequest(classifier=settings.model_name)
    return collection.datasets.CreateDataset(request, timeout=SECONDS).dataset


def test_a_version_is_trained_on_and_named_everywhere(
    trainer: Command, version: datasets_pb2.Dataset, registry: Registry, settings: TrainerSettings
) -> None:
    name = f"collection:{settings.model_name}@1"
    trained = trainer("train", "--data", name, "--epochs", "2")
    assert trained.returncode == 0, trained.stdout + trained.stderr
    said = " ".join(trained.stderr.split())
    assert f"2 classes. Pictures: {2 * TRAIN} " not in said  # some of them validate
    assert f"{2 * TEST} for testing." in said
    assert f"{TEST} for validation." not in said
    registered = registry.versions()[0]
    assert (registered.tags["dataset"], registered.tags["dataset_digest"]) == (name, version.digest)
    assert f"Trained on {name}, digest {version.digest[:12]}." in registered.description
    client = MlflowClient(settings.mlflow_url)
    run = client.get_run(registered.run_id)
    ((dataset,),) = [[each.dataset for each in run.inputs.dataset_inputs]]
    assert (dataset.name, dataset.source_type, json.loads(dataset.source)["uri"]) == (name, "collection", name)
    profile = json.loads(dataset.profile)
    assert (profile["version_digest"], profile["deleted"], profile["test"]) == (version.digest, 0, 2 * TEST)
    assert profile["train"] + profile["validation"] == 2 * TRAIN
    assert run.data.params["data"] == name
    card = Path(client.download_artifacts(registered.run_id, "MODEL_CARD.md")).read_text(encoding="utf-8")
    assert f"Trained on {name}" in card
    assert f"| data | {name} |" in card


def test_negatives_are_learned_and_the_gate_measures_on_those_of_the_test_side(
    version: datasets_pb2.Dataset, trainer: Command, settings: TrainerSettings, tmp_path: Path
) -> None:
    evaluated = trainer(
        "evaluate", "--data", f"collection:{settings.model_name}@latest", "--json", tmp_path / "figures.json"
    )
    assert evaluated.returncode == 0, evaluated.stdout + evaluated.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["images"] == 2 * TEST
    assert [group["images"] for group in figures["negatives"]] == [TEST]
    assert figures["negatives"][0]["auroc"] > 0.9


def test_what_was_deleted_is_not_learned_and_not_left_on_the_disk(
    collection: Collection, version: datasets_pb2.Dataset, trainer: Command, settings: TrainerSettings
) -> None:
    home = settings.home / "datasets" / settings.model_name
    request = datasets_pb2.ListDatasetPhotosRequest(classifier=settings.model_name, version=1, page_size=500)
    photos = collection.datasets.ListDatasetPhotos(request, timeout=SECONDS).photos
    gone = next(each for each in photos if each.side == datasets_pb2.DATASET_SIDE_TEST and each.label)
    trainer("evaluate", "--data", f"collection:{settings.model_name}@1")
    assert len(list(home.rglob("*.jpg"))) == 3 * (TRAIN + TEST)
    collection.delete(gone.photo.photo_id)
    evaluated = trainer("evaluate", "--data", f"collection:{settings.model_name}@1")
    assert evaluated.returncode == 0, evaluated.stdout + evaluated.stderr
    assert "1 of the photos" in " ".join(evaluated.stderr.split())
    assert len(list(home.rglob("*.jpg"))) == 3 * (TRAIN + TEST) - 1
    assert not [file for file in home.rglob("*.jpg") if str(int(gone.photo.photo_id, 16)) in file.name]


def test_a_version_that_does_not_exist_is_refused_with_a_sentence(trainer: Command) -> None:
    refused = trainer("train", "--data", "collection:fruits@7")
    assert refused.returncode == 2
    assert "DATASET_UNKNOWN There is no version 7 of the data set of fruits." in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_collection_that_is_away_is_an_error_that_says_what_to_do(settings: TrainerSettings) -> None:
    away = trainer_command(settings.model_copy(update={"collection_target": "127.0.0.1:1"}))
    refused = away("train", "--data", "collection:fruits@1")
    assert refused.returncode == 1
    assert "COLLECTION_UNAVAILABLE" in refused.stderr
    assert "VERGER_COLLECTION_TARGET" in refused.stderr


def test_a_class_without_photos_on_one_side_is_named(
    collection: Collection, trainer: Command, settings: TrainerSettings
) -> None:
    few = shapes("few", {"train": 2})
    import_all(collection, (each for each in few if each.label.name != LABELS[2]))
    collection.datasets.CreateDataset(datasets_pb2.CreateDatasetRequest(classifier="few"), timeout=SECONDS)
    refused = trainer("train", "--data", "collection:few@1")
    assert refused.returncode == 2
    assert "DATA_CLASS_EMPTY" in refused.stderr
    assert LABELS[1] in refused.stderr
