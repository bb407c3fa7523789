"""A system that ./launch.sh runs with TLS everywhere."""

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from tests.support.servers.certificates import Certificates
from tests.support.systems.launched import Launched
from tests.support.systems.uploads import PHOTO

MAKE_CERTIFICATE = (
    "mkdir -p tls",
    "openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=verger -keyout tls/grpc.key -out tls/grpc.pem "
    "-addext subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:preprocess,DNS:inference,DNS:collection",
)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the certificate of docs/operating.md for gRPC, and one of a real authority for the page."""
    folder = tmp_path_factory.mktemp("certificates")
    made = subprocess.run(["bash", "-euc", "\n".join(MAKE_CERTIFICATE)], cwd=folder, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    Certificates(folder / "tls").issue("page", "localhost")
    return folder / "tls"


@pytest.fixture(scope="module")
def encrypted(verger: Launched, tls: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """Another system that shares the environments of the first one."""
    home = tmp_path_factory.mktemp("encrypted")
    (home / "env").symlink_to(verger.home / "env")
    settings = {
        "VERGER_TLS_CERTIFICATE_FILE": str(tls / "grpc.pem"),
        "VERGER_TLS_KEY_FILE": str(tls / "grpc.key"),
        "VERGER_TLS_CA_FILE": str(tls / "grpc.pem"),
        "VERGER_WEB_TLS_CERTIFICATE_FILE": str(tls / "page.pem"),
        "VERGER_WEB_TLS_KEY_FILE": str(tls / "page.key"),
    }
    system = Launched(home, settings=settings)
    started = system.launch("--detach")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        assert f"https://localhost:{system.ports['VERGER_WEB_PORT']}" in started.stdout
        yield system
    finally:
        system.launch("--stop")


def test_everything_is_healthy_with_tls(encrypted: Launched) -> None:
    status = encrypted.launch("--status")
    assert status.returncode == 0, status.stdout + status.stderr
    assert "Everything is healthy" in status.stdout


def test_photos_are_answered_over_https_and_over_grpc_with_tls(encrypted: Launched, tls: Path) -> None:
    page = f"https://localhost:{encrypted.ports['VERGER_WEB_PORT']}/api/v1/classify"
    answer = httpx.post(page, content=PHOTO, verify=ssl.create_default_context(cafile=tls / "ca.pem"), timeout=30)
    assert answer.json()["results"][0]["predictions"][0]["label"] == "banana"
    credentials = grpc.ssl_channel_credentials((tls / "grpc.pem").read_bytes())
    with grpc.secure_channel(encrypted.preprocess, credentials) as channel:
        stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
        result = stub.Classify(classifier_pb2.ClassifyRequest(image=PHOTO), timeout=30)
    assert result.classification.predictions[0].label == "banana"


def test_nobody_is_answered_without_tls(encrypted: Launched) -> None:
    with pytest.raises(httpx.TransportError):
        encrypted.classify(PHOTO)
    with grpc.insecure_channel(encrypted.preprocess) as channel:
        stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
        with pytest.raises(grpc.RpcError):
            stub.Classify(classifier_pb2.ClassifyRequest(image=PHOTO), timeout=5)
