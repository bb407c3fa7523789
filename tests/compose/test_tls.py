"""VERGER_TLS=on: the page over HTTPS, and gRPC with certificates, which the containers make."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.systems.composed import Composed
from tests.support.systems.uploads import PHOTO

ON = {"VERGER_TLS": "on"}


@pytest.fixture(scope="module")
def authority(verger: Composed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The certificate that all others are signed by, while the system runs with TLS for the duration of a module."""
    verger.compose("up", "--detach", "--wait", **ON)
    (container,) = verger.containers("web")
    file = tmp_path_factory.mktemp("tls") / "ca.pem"
    file.write_text(verger.run("docker", "exec", container, "cat", "/run/tls/ca.pem").stdout)
    yield file
    verger.compose("up", "--detach", "--wait")


def test_photos_are_answered_over_https(verger: Composed, authority: Path) -> None:
    trust = ssl.create_default_context(cafile=authority)
    page = verger.web.replace("http://127.0.0.1", "https://localhost")
    answer = httpx.post(f"{page}/api/v1/classify", content=PHOTO, verify=trust, timeout=30)
    assert answer.json()["results"][0]["predictions"][0]["label"] == "banana"
    with pytest.raises(httpx.TransportError):
        verger.classify(PHOTO)
    link = verger.compose("run", "--rm", "first-key", **ON, VERGER_ACCESS="keys")
    assert link == "" or link.strip().startswith("https://localhost:")


def is_healthy(verger: Composed, caller: str, address: str, code: str = "") -> bool:
    """Whether the health command in a container of `caller` finds a service ready; code: runs before it there."""
    (container,) = verger.containers(caller)
    command = f"{code} python -m services.common.process.health {address}"
    return verger.run("docker", "exec", container, "sh", "-c", command).returncode == 0


WITHOUT_CERTIFICATE = (
    "mkdir -p /tmp/stranger && cp /run/tls/ca.pem /tmp/stranger/ && : > /tmp/stranger/grpc.key && "
    ": > /tmp/stranger/grpc.pem && VERGER_TLS_FOLDER=/tmp/stranger"
)


def test_inference_asks_its_clients_for_a_certificate(verger: Composed, authority: Path) -> None:
    address = "grpcs://inference:50052/verger.v1.InferenceService"
    assert is_healthy(verger, "preprocess", address)
    assert not is_healthy(verger, "preprocess", address, WITHOUT_CERTIFICATE)


def test_no_service_has_the_key_of_the_authority(verger: Composed, authority: Path) -> None:
    for service in ("web", "preprocess", "inference", "collection"):
        (container,) = verger.containers(service)
        listed = verger.run("docker", "exec", container, "ls", "/run/tls").stdout.split()
        assert listed == ["ca.pem", "grpc.key", "grpc.pem", "page.key", "page.pem"]


def test_the_status_speaks_tls(verger: Composed, authority: Path) -> None:
    status = verger.run("./launch.sh", "--docker", "--status", **ON)
    assert status.returncode == 0, status.stdout + status.stderr
