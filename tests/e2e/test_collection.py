"""The loop closes: a photo comes back with a wrong answer, is labelled, and a version learns from it."""

import json
import re
import shlex
import shutil
from pathlib import Path

import grpc
import httpx
import pytest
from mlflow import MlflowClient
from verger.v1 import collection_pb2, collection_pb2_grpc

from tests.support.pictures.fruits import copy_few_fruits
from tests.support.systems.launched import Launched

NAME = "fruit-classifier"
IMPORT = (
    "./launch.sh --collection import ~/pictures/fruits",
    "./launch.sh --collection import --none ~/pictures/other",
)
LEARN = (
    "./launch.sh --collection dataset make",
    "./launch.sh --collection dataset list",
    "./launch.sh --train collection:fruit-classifier@latest",
    "./launch.sh --collection export fruit-classifier@latest ~/pictures/export --format huggingface",
)


@pytest.fixture(scope="module")
def pictures(photo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lacks one of the classes, so that no version of them takes the place of the champion by itself."""
    home = tmp_path_factory.mktemp("pictures")
    copy_few_fruits(photo_data, home / "fruits", train=8, test=2)
    for part in ("train", "test"):
        shutil.rmtree(home / "fruits" / part / "cherry")
    (home / "other").mkdir()
    for picture in sorted((photo_data / "negatives" / "test").iterdir())[::40]:
        shutil.copy(picture, home / "other")
    return home


def run(verger: Launched, pictures: Path, command: str) -> str:
    """Runs a command of the documents; ~/pictures is where the pictures are."""
    words = [word.replace("~/pictures", str(pictures)) for word in shlex.split(command)[1:]]
    done = verger.launch(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def give_back(verger: Launched, photo: bytes, label: str) -> str:
    """Has a photo answered, and says what it shows. Returns the id of the answer."""
    answer = verger.classify(photo).headers["X-Request-ID"]
    told = {"answer": answer, "report": "class", "label": label}
    kept = httpx.post(f"{verger.web}/api/v1/feedback", data=told, files={"file": photo}, timeout=60)
    assert kept.status_code == 200, kept.text
    return str(answer)


def label(verger: Launched, answer: str, name: str) -> str:
    """Labels the photo that got an answer, as a reviewer does. Returns its id."""
    with grpc.insecure_channel(f"127.0.0.1:{verger.ports['VERGER_COLLECTION_PORT']}") as channel:
        stub = collection_pb2_grpc.CollectionServiceStub(channel)
        wanted = collection_pb2.PhotoFilter(request_id=answer)
        found = stub.ListPhotos(collection_pb2.ListPhotosRequest(classifier=NAME, filter=wanted), timeout=60).photos
        (photo,) = found
        decision = collection_pb2.LabelPhotosRequest(
            request_id=f"label {answer}",
            photos=[collection_pb2.SeenPhoto(photo_id=photo.photo_id, revision=photo.revision)],
            label=collection_pb2.Label(kind=collection_pb2.LABEL_KIND_CLASS, name=name),
        )
        assert len(stub.LabelPhotos(decision, timeout=60).changed) == 1
    return str(photo.photo_id)


def test_a_photo_that_was_given_back_is_learned_and_the_version_names_its_data(
    verger: Launched, pictures: Path, photo_data: Path
) -> None:
    verger.wait_ready()
    for command in IMPORT:
        assert "photos are new" in run(verger, pictures, command)
    photo = sorted((photo_data / "fruits" / "test" / "kiwi").iterdir())[-1].read_bytes()
    given = label(verger, give_back(verger, photo, "kiwi"), "kiwi")
    make, show, train, export = LEARN
    made = run(verger, pictures, make)
    (version,) = re.findall(rf"^collection:{NAME}@(\d+) ", made)
    assert "9 classes" in made
    assert run(verger, pictures, show).startswith(made.strip())
    trained = run(verger, pictures, f"{train} --epochs 1")
    (number,) = re.findall(r"Version (\d+) is challenger\.", trained)
    reference = f"collection:{NAME}@{version}"
    registry = MlflowClient(verger.mlflow, verger.mlflow)
    registered = registry.get_model_version(NAME, number)
    assert registered.tags["dataset"] == reference
    assert f"Trained on {reference}" in registered.description
    (used,) = registry.get_run(registered.run_id).inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.source_type) == (reference, "collection")
    assert json.loads(used.dataset.profile)["version_digest"] == registered.tags["dataset_digest"]
    learned = list((verger.home / "datasets" / NAME).rglob(f"field_{int(given, 16)}.jpg"))
    assert [file.parent.name for file in learned] == ["kiwi"]
    run(verger, pictures, export)
    indexes = [index.read_text(encoding="utf-8") for index in (pictures / "export").rglob("metadata.jsonl")]
    lines = [json.loads(line) for index in indexes for line in index.splitlines()]
    assert {"file_name": learned[0].name, "label": "kiwi"} in lines
