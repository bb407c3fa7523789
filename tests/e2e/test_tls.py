"""A system that ./launch.sh runs with VERGER_TLS=on, and a certificate of somebody's own for the page."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from tests.support.servers.certificates import Certificates
from tests.support.systems.launched import Launched
from tests.support.systems.uploads import PHOTO
from tests.support.waiting import wait_until


@dataclass(frozen=True)
class Encrypted:
    """The system, its folder of certificates, and the authority of the page's."""

    system: Launched
    folder: Path
    page_authority: Path

    @property
    def page(self) -> str:
        return f"https://localhost:{self.system.ports['VERGER_WEB_PORT']}"

    def classify(self) -> str:
        """Returns what the REST API says of a photo."""
        trust = ssl.create_default_context(cafile=self.page_authority)
        answer = httpx.post(f"{self.page}/api/v1/classify", content=PHOTO, verify=trust, timeout=30)
        return str(answer.json()["results"][0]["predictions"][0]["label"])

    def call(self, target: str) -> classifier_pb2.ClassifyResponse:
        """Sends a photo over gRPC, without a certificate of one's own."""
        credentials = grpc.ssl_channel_credentials((self.folder / "ca.pem").read_bytes())
        with grpc.secure_channel(target, credentials) as channel:
            stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
            return stub.Classify(classifier_pb2.ClassifyRequest(image=PHOTO), timeout=30)


@pytest.fixture(scope="module")
def encrypted(verger: Launched, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    """Another system that shares the environments of the first one."""
    home = tmp_path_factory.mktemp("encrypted")
    (home / "env").symlink_to(verger.home / "env")
    folder = home / "tls"
    folder.mkdir()
    own = Certificates(folder)
    own.issue("page", "localhost")
    authority = own.ca.rename(home / "page-ca.pem")
    system = Launched(home, settings={"VERGER_TLS": "on", "VERGER_TLS_NAMES": "verger.example"})
    started = system.launch("--detach")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        assert f"https://localhost:{system.ports['VERGER_WEB_PORT']}" in started.stdout
        yield Encrypted(system, folder, authority)
    finally:
        system.launch("--stop")


def test_everything_is_healthy_with_tls(encrypted: Encrypted) -> None:
    status = encrypted.system.launch("--status")
    assert status.returncode == 0, status.stdout + status.stderr
    assert "Everything is healthy" in status.stdout


def test_photos_are_answered_over_https_and_over_grpc_with_tls(encrypted: Encrypted) -> None:
    assert encrypted.classify() == "banana"
    assert encrypted.call(encrypted.system.preprocess).classification.predictions[0].label == "banana"


def test_nobody_is_answered_without_tls(encrypted: Encrypted) -> None:
    with pytest.raises(httpx.TransportError):
        encrypted.system.classify(PHOTO)
    with grpc.insecure_channel(encrypted.system.preprocess) as channel:
        stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
        with pytest.raises(grpc.RpcError):
            stub.Classify(classifier_pb2.ClassifyRequest(image=PHOTO), timeout=5)


def test_inference_talks_to_nobody_without_a_certificate(encrypted: Encrypted) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        encrypted.call(encrypted.system.inference)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE  # and not UNIMPLEMENTED, as who was let in would get


def test_new_certificates_are_taken_without_a_restart(encrypted: Encrypted) -> None:
    before = {program: encrypted.system.pids(program) for program in ("services.preprocess", "services.inference")}
    presented = ssl.get_server_certificate(("localhost", encrypted.system.ports["VERGER_PREPROCESS_PORT"]))
    page = ssl.get_server_certificate(("localhost", encrypted.system.ports["VERGER_WEB_PORT"]))
    (encrypted.folder / "grpc.pem").unlink()
    new = Certificates(encrypted.folder.parent)
    for file in new.issue("page", "localhost"):
        file.replace(encrypted.folder / file.name)
    new.ca.replace(encrypted.page_authority)
    made = encrypted.system.launch("--detach")  # which says that it runs already, and makes what is missing
    assert made.returncode == 0, made.stderr

    def are_new() -> bool:
        ports = (encrypted.system.ports[name] for name in ("VERGER_PREPROCESS_PORT", "VERGER_WEB_PORT"))
        return {ssl.get_server_certificate(("localhost", port)) for port in ports}.isdisjoint({presented, page})

    wait_until(are_new, what="the new certificates")
    assert encrypted.classify() == "banana"
    assert encrypted.call(encrypted.system.preprocess).classification.predictions[0].label == "banana"
    assert before == {program: encrypted.system.pids(program) for program in before}
