"""Bulk classification answers what the services answer."""

from contextlib import ExitStack, suppress
from pathlib import Path

import grpc
import pytest
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from registry.settings import VersionSettings
from services.inference.config import InferenceSettings
from services.inference.server import inference_server
from services.preprocess.config import PreprocessSettings
from services.preprocess.server import preprocess_server
from tests.support.background import in_background
from tests.support.bulk.command import bulk, rows_of
from tests.support.bulk.photos import colour_folder
from tests.support.pictures.photos import encoded, scene
from tests.support.servers.mlflow_server import MlflowServer
from tests.support.statuses import code_and_reason
from tests.support.waiting import wait_until

NAME = "served-and-in-bulk"
RELEASE: Path = VersionSettings.model_fields["release_dir"].default


def varied_photos(folder: Path, odd: Path) -> Path:
    """Photos of many formats and sizes, heavy and damaged ones among them; with the awkward files of `odd`."""
    colour_folder(folder)
    for form, name in (("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp"), ("TIFF", "tif"), ("BMP", "bmp")):
        (folder / f"scene.{name}").write_bytes(encoded(scene((700, 500)), form))
    (folder / "large.jpg").write_bytes(encoded(scene((3000, 2000))))
    (folder / "progressive.jpg").write_bytes(encoded(scene((1500, 1000)), progressive=True))
    (folder / "cut.jpg").write_bytes(encoded(scene())[:2000])
    (folder / "text.jpg").write_text("no picture")
    (folder / "empty.jpg").touch()
    if odd.is_dir():
        (folder / "odd").symlink_to(odd)
    return folder


def is_ready(stub: classifier_pb2_grpc.ClassifierServiceStub) -> bool:
    with suppress(grpc.RpcError):
        stub.DescribeClassifier(classifier_pb2.DescribeClassifierRequest(), timeout=30)
        return True
    return False


def answers_of(channel: grpc.Channel, photos: list[Path]) -> list[classifier_pb2.Classification | str]:
    stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
    wait_until(lambda: is_ready(stub), 120, "readiness")
    found: list[classifier_pb2.Classification | str] = []
    for photo in photos:
        request = classifier_pb2.ClassifyRequest(image=photo.read_bytes(), top_k=3)
        try:
            found.append(stub.Classify(request, timeout=120).classification)
        except grpc.RpcError as error:
            found.append(code_and_reason(error)[1])
    return found


def test_every_row_has_the_answer_that_the_services_give(
    mlflow_server: MlflowServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    odd = request.config.rootpath / "no photographs"
    with suppress(pytest.skip.Exception):  # without photographs, the other photos are compared all the same
        odd = request.getfixturevalue("photo_data") / "odd"
    varied_photos(tmp_path / "photos", odd)
    version = mlflow_server.register(NAME, RELEASE)
    options = ("photos", "--output", "out", "--model", f"{NAME}@champion")
    status, _, notes = bulk(*options, cwd=tmp_path, VERGER_MLFLOW_URL=mlflow_server.url)
    assert status == 0, notes
    rows = rows_of(tmp_path / "out")
    inference_settings = InferenceSettings(
        inference_port=0,
        inference_metrics_port=0,
        mlflow_url=mlflow_server.url,
        model_name=NAME,
        model_cache_directory=tmp_path / "cache",
    )
    with ExitStack() as servers:
        inference = servers.enter_context(in_background(inference_server(inference_settings)))
        target = f"127.0.0.1:{inference.port}"
        preprocess_settings = PreprocessSettings(
            preprocess_port=0,
            preprocess_metrics_port=0,
            inference_target=target,
            preprocess_decode_seconds=60,  # of a machine that does much else
            request_timeout_seconds=120,
        )
        preprocess = servers.enter_context(in_background(preprocess_server(preprocess_settings)))
        channel = servers.enter_context(
            grpc.insecure_channel(f"127.0.0.1:{preprocess.port}", options=[("grpc.max_send_message_length", 2**26)])
        )
        answers = answers_of(channel, [Path(row["path"]) for row in rows])
    for row, answer in zip(rows, answers, strict=True):
        if isinstance(answer, str):
            assert row["error"] == answer, row["path"]
        else:
            verdict = classifier_pb2.Verdict.Name(answer.verdict).removeprefix("VERDICT_")
            assert (row["error"], row["verdict"]) == (None, verdict), row["path"]
            assert row["labels"] == [item.label for item in answer.predictions], row["path"]
            expected = [item.probability for item in answer.predictions]
            assert row["probabilities"] == pytest.approx(expected, abs=1e-6), row["path"]
            assert row["scope_score"] == pytest.approx(answer.scope_score, abs=1e-6), row["path"]
            assert (row["model"], row["version"]) == (NAME, version)
    assert {row["error"] for row in rows} > {None, "IMAGE_EMPTY", "IMAGE_FORMAT_UNSUPPORTED"}
