"""The whole launched system classifies photos correctly."""

import asyncio
import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from PIL import Image
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from services.common.process.health import problem_with
from tests.support.pictures.photos import encoded, plain, scene
from tests.support.repository import ROOT
from tests.support.systems.launched import Launched

MAX_LOSS_OF_INTEGERS = 0.1
"""Largest difference of a probability that 8-bit integers make; another preprocessing makes larger ones."""

SAMPLES = ROOT / "services" / "web" / "page" / "static" / "samples"


def best_label(result: dict[str, Any]) -> str:
    return str(result["predictions"][0]["label"])


def test_the_samples_of_the_page_are_classified_correctly(verger: Launched) -> None:
    samples = sorted(SAMPLES.glob("*.webp"))
    assert len(samples) == 10
    answers = {path.stem: best_label(verger.answer(path.read_bytes())) for path in samples}
    assert answers == {name: name for name in answers}


def test_nearly_all_pictures_of_users_are_classified_correctly(verger: Launched, photo_data: Path) -> None:
    with (photo_data / "predict" / "INDEX.csv").open() as index:
        labels = {row["file"]: row["label_by_eye"] for row in csv.DictReader(index)}
    answers = {name: best_label(verger.answer((photo_data / "predict" / name).read_bytes())) for name in labels}
    wrong = {name: (labels[name], answers[name]) for name in labels if answers[name] != labels[name]}
    assert len(labels) == 48
    assert len(wrong) <= 4, wrong


@pytest.mark.parametrize("photo", [plain((255, 255, 255)), plain((0, 0, 0))], ids=["white", "black"])
def test_a_blank_picture_is_out_of_scope(verger: Launched, photo: Image.Image) -> None:
    assert verger.answer(encoded(photo))["verdict"] == "OUT_OF_SCOPE"


def test_an_invalid_file_does_not_affect_other_files(verger: Launched) -> None:
    good = (SAMPLES / "banana.webp").read_bytes()
    files = [("file", ("good.webp", good)), ("file", ("bad.txt", b"hello")), ("file", ("again.webp", good))]
    answer = httpx.post(f"{verger.web}/api/v1/classify", files=files, timeout=15).json()
    assert [result["filename"] for result in answer["results"]] == ["good.webp", "bad.txt", "again.webp"]
    assert answer["results"][1]["error"]["reason"] == "IMAGE_FORMAT_UNSUPPORTED"
    assert [best_label(answer["results"][place]) for place in (0, 2)] == ["banana", "banana"]


def probabilities(predictions: list[dict[str, Any]]) -> dict[str, float]:
    return {item["label"]: item["probability"] for item in predictions}


def by_grpc(verger: Launched, photo: bytes) -> dict[str, float]:
    with grpc.insecure_channel(verger.preprocess) as channel:
        stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
        answer = stub.Classify(classifier_pb2.ClassifyRequest(image=photo), timeout=15)
    return {item.label: item.probability for item in answer.classification.predictions}


def predicted(verger: Launched, photos: list[Path], *options: str) -> list[dict[str, float]]:
    """What the trainer says of the photos with the live version, which it runs on pixels that it has read itself."""
    command = [sys.executable, "-m", "trainer", "predict", *options, *map(str, photos)]
    environment = verger.environment | {"VERGER_MLFLOW_URL": verger.mlflow}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(answer["file"]).name for answer in answers] == [path.name for path in photos]
    return [probabilities(answer["predictions"]) for answer in answers]


def check_agreement(verger: Launched, photos: list[Path]) -> None:
    """Compares REST and gRPC with the trainer: exactly with the served graph, and nearly with the Keras model.

    The release computes in 8-bit integers, so its answers differ from those of the model that was trained.
    """
    served, trained = predicted(verger, photos), predicted(verger, photos, "--keras")
    for path, exact, near in zip(photos, served, trained, strict=True):
        photo = path.read_bytes()
        by_rest = probabilities(verger.answer(photo)["predictions"])
        assert by_rest == pytest.approx(exact, abs=1e-3), path.name
        assert by_grpc(verger, photo) == pytest.approx(exact, abs=1e-3), path.name
        assert by_rest == pytest.approx(near, abs=MAX_LOSS_OF_INTEGERS), path.name


def test_rest_and_grpc_agree_with_the_trainer(verger: Launched, tmp_path: Path) -> None:
    image = scene((700, 500))
    for format in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"):
        (tmp_path / f"made.{format.lower()}").write_bytes(encoded(image, format))
    check_agreement(verger, [*sorted(tmp_path.glob("made.*")), *sorted(SAMPLES.glob("*.webp"))])


def test_rest_and_grpc_agree_with_the_trainer_on_odd_photos(verger: Launched, photo_data: Path) -> None:
    odd = sorted((photo_data / "odd").iterdir())
    check_agreement(verger, [path for path in odd if path.suffix != ".csv" and "truncated" not in path.name])


def test_all_ports_report_healthy_and_ready(verger: Launched) -> None:
    assert problem_with(f"grpc://{verger.preprocess}/verger.v1.ClassifierService") is None
    assert problem_with(f"grpc://{verger.inference}/verger.v1.InferenceService") is None
    for path in ("/healthz", "/readyz", "/metrics", "/docs"):
        assert httpx.get(f"{verger.web}{path}", timeout=10).status_code == 200, path


async def test_forty_simultaneous_photos_are_classified_or_refused_with_429(verger: Launched) -> None:
    photo = (SAMPLES / "kiwi.webp").read_bytes()
    async with httpx.AsyncClient(timeout=30) as client:
        calls = [client.post(f"{verger.web}/api/v1/classify", content=photo) for _ in range(40)]
        answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} <= {200, 429}
    good = [answer for answer in answers if answer.status_code == 200]
    assert len(good) >= 32
    assert {best_label(answer.json()["results"][0]) for answer in good} == {"kiwi"}


def test_the_serving_environment_has_no_tensorflow(verger: Launched) -> None:
    packages = verger.home / "env" / "serving"
    assert list(packages.glob("lib/python*/site-packages/onnxruntime"))
    assert not list(packages.glob("lib/python*/site-packages/tensorflow*"))
    assert not list(packages.glob("lib/python*/site-packages/keras*"))
