"""The running system speaks the Open Inference Protocol: the conformance suite, and clients of other servers."""

import base64
import subprocess
import sys
from collections.abc import Iterator

import grpc
import httpx
import pytest

from tests.conformance import rpc
from tests.conformance.clients import TRITONCLIENT, run_client
from tests.conformance.run import CHECKS
from tests.conformance.target import TIMEOUT_SECONDS, Check, Target, Tensor
from tests.support.repository import ROOT
from tests.support.systems.launched import Launched

MODEL = "fruit-classifier"
BANANA = ROOT / "examples" / "banana.jpg"
SIZE = 224
OF_GRPC = [check for check in CHECKS if check.__module__ == rpc.__name__]


def name_of(check: Check) -> str:
    return check.__name__


@pytest.fixture(scope="module")
def photos(verger: Launched) -> Iterator[Target]:
    verger.wait_ready()
    photo = base64.b64encode(BANANA.read_bytes()).decode()
    image = Tensor("image", "BYTES", [1], [photo], {"content_type": "base64"})
    with (
        httpx.Client(base_url=verger.web, timeout=TIMEOUT_SECONDS) as http,
        grpc.insecure_channel(verger.preprocess) as channel,
    ):
        yield Target(MODEL, [image], http, channel)


@pytest.fixture(scope="module")
def pixels(verger: Launched) -> Iterator[Target]:
    verger.wait_ready()
    levels = [place % 251 for place in range(SIZE * SIZE * 3)]
    with grpc.insecure_channel(verger.inference) as channel:
        tensor = Tensor("pixels", "UINT8", [1, SIZE, SIZE, 3], levels)
        yield Target(f"{MODEL}-tensor", [tensor], channel=channel)


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
def test_the_model_of_photos_conforms(photos: Target, check: Check) -> None:
    check(photos)


@pytest.mark.parametrize("check", OF_GRPC, ids=name_of)
def test_the_model_of_pixels_conforms(pixels: Target, check: Check) -> None:
    check(pixels)


def test_the_suite_names_what_a_server_does_wrong(verger: Launched) -> None:
    """MLflow answers over HTTP, too, and knows nothing of the protocol."""
    request = ROOT / "examples" / "oip-banana.json"
    command = [sys.executable, "-m", "tests.conformance", "--model", MODEL, "--input", request, "--http", verger.mlflow]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED   rest model is described  the model's metadata have the status 404" in done.stdout
    assert "skipped  grpc id is returned  no gRPC address" in done.stdout


def test_tritonclient_works_as_it_is(verger: Launched) -> None:
    verger.wait_ready()
    done = run_client(TRITONCLIENT, verger, MODEL, BANANA, "banana")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gRPC with asyncio: ['banana']" in done.stdout
