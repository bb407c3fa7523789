"""compose.tls.yml: the page over HTTPS, and gRPC with certificates, inside and outside."""

import ssl
from collections.abc import Iterator

import httpx
import pytest

from tests.support.servers.certificates import Certificates
from tests.support.systems.composed import Composed
from tests.support.systems.uploads import PHOTO

TLS = ["compose.tls.yml"]


@pytest.fixture(scope="module")
def certificates(verger: Composed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certificates]:
    """The system runs with these certificates for the duration of a module."""
    folder = tmp_path_factory.mktemp("tls")
    certificates = Certificates(folder)
    certificates.issue("grpc", "preprocess", "inference", "collection", "127.0.0.1")
    certificates.issue("page", "localhost")
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)  # the containers' user reads them
    verger.compose("up", "--detach", "--wait", layers=TLS, VERGER_TLS_FOLDER=str(folder))
    yield certificates
    verger.compose("up", "--detach", "--wait")


def test_photos_are_answered_over_https(verger: Composed, certificates: Certificates) -> None:
    trust = ssl.create_default_context(cafile=certificates.ca)
    page = verger.web.replace("http://127.0.0.1", "https://localhost")
    answer = httpx.post(f"{page}/api/v1/classify", content=PHOTO, verify=trust, timeout=30)
    assert answer.json()["results"][0]["predictions"][0]["label"] == "banana"
    with pytest.raises(httpx.TransportError):
        verger.classify(PHOTO)


NO_CERTIFICATE = ("-e", "VERGER_TLS_CERTIFICATE_FILE=", "-e", "VERGER_TLS_KEY_FILE=")


def is_healthy(verger: Composed, caller: str, address: str, *options: str) -> bool:
    """Whether the health command in a container of `caller` finds a service ready."""
    (container,) = verger.containers(caller)
    command = ("python", "-m", "services.common.process.health", address)
    return verger.run("docker", "exec", *options, container, *command).returncode == 0


def test_inference_asks_its_clients_for_a_certificate(verger: Composed, certificates: Certificates) -> None:
    address = "grpcs://inference:50052/verger.v1.InferenceService"
    assert is_healthy(verger, "preprocess", address)
    assert not is_healthy(verger, "preprocess", address, *NO_CERTIFICATE)


def test_preprocess_asks_its_clients_for_none(verger: Composed, certificates: Certificates) -> None:
    address = "grpcs://preprocess:50051/verger.v1.ClassifierService"
    assert is_healthy(verger, "web", address, *NO_CERTIFICATE)
