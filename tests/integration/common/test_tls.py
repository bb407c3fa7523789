"""TLS between services: who shows a certificate to whom, and settings that are refused."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from pydantic import ValidationError
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from services.common.process.settings import ServiceSettings
from services.common.rpc.channel import open_channel
from services.common.rpc.server import RunningServer, running_server
from tests.support.background import in_background
from tests.support.repository import ROOT
from tests.support.servers.certificates import Certificates
from tests.support.servers.mlflow_server import free_port
from tests.support.waiting import eventually

SERVICE = "verger.v1.ClassifierService"


class Echo(classifier_pb2_grpc.ClassifierServiceServicer):
    """Answers with the request id."""

    async def Classify(
        self, request: classifier_pb2.ClassifyRequest, context: object
    ) -> classifier_pb2.ClassifyResponse:
        return classifier_pb2.ClassifyResponse(request_id=request.request_id)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@pytest.fixture
def tls(certificates: Certificates) -> dict[str, object]:
    """Settings with which a process has a certificate for this machine, and trusts its authority."""
    certificates.issue("grpc", "localhost", "127.0.0.1")
    return {"tls": "on", "tls_folder": certificates.folder}


class Internal(ServiceSettings):
    """The settings of a service that other services alone may call."""

    @property
    def is_internal(self) -> bool:
        return True


def echo_server(
    kind: type[ServiceSettings] = ServiceSettings, port: int = 0, **settings: object
) -> AbstractAsyncContextManager[RunningServer]:
    @asynccontextmanager
    async def ready() -> AsyncIterator[RunningServer]:
        async with running_server(
            kind(**settings),
            port,
            0,
            [SERVICE],
            lambda server: classifier_pb2_grpc.add_ClassifierServiceServicer_to_server(Echo(), server),
        ) as server:
            await server.set_ready(True)
            yield server

    return ready()


async def says_fine(channel: grpc.aio.Channel) -> bool:
    """Whether a call is answered."""
    request = classifier_pb2.ClassifyRequest(request_id="fine")
    try:
        answer = await classifier_pb2_grpc.ClassifierServiceStub(channel).Classify(request, timeout=2)
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.request_id == "fine")


async def is_answered(target: str, **settings: object) -> bool:
    """Whether a call by a channel with these settings is answered."""
    async with open_channel(target, ServiceSettings(**settings)) as channel:
        return await says_fine(channel)


async def stranger_is_answered(target: str, certificates: Certificates) -> bool:
    """Whether a call of somebody is answered who trusts the authority and has no certificate."""
    async with grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(certificates.ca.read_bytes())) as channel:
        return await says_fine(channel)


def health(port: int, settings: Mapping[str, object]) -> "subprocess.CompletedProcess[str]":
    """Runs the health command as a container or launch.sh does, with settings in its environment."""
    variables = {f"VERGER_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "services.common.process.health", f"grpcs://127.0.0.1:{port}/{SERVICE}"]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, timeout=60, check=False
    )


async def test_clients_of_a_public_server_need_no_certificate_of_their_own(
    tls: dict[str, object], certificates: Certificates
) -> None:
    with in_background(echo_server(**tls)) as server:
        assert await stranger_is_answered(f"localhost:{server.port}", certificates)
        assert not await is_answered(f"localhost:{server.port}")  # without TLS


async def test_clients_of_an_internal_server_need_a_certificate(
    tls: dict[str, object], certificates: Certificates
) -> None:
    with in_background(echo_server(Internal, **tls)) as server:
        assert await is_answered(f"localhost:{server.port}", **tls)
        assert not await stranger_is_answered(f"localhost:{server.port}", certificates)


async def test_a_client_that_another_authority_has_signed_is_refused(
    tls: dict[str, object], certificates: Certificates, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Certificates(tmp_path / "other")
    other.issue("grpc", "localhost")
    other.ca.write_bytes(certificates.ca.read_bytes())  # it trusts the server, which does not trust it
    with in_background(echo_server(Internal, **tls)) as server:
        assert not await is_answered(f"localhost:{server.port}", **tls | {"tls_folder": other.folder})


async def test_a_certificate_for_another_name_needs_that_name_in_the_settings(
    tls: dict[str, object], certificates: Certificates
) -> None:
    certificates.issue("grpc", "fruits.example")
    with in_background(echo_server(**tls)) as server:
        assert not await is_answered(f"127.0.0.1:{server.port}", **tls)
        assert health(server.port, tls).returncode == 1
        assert await is_answered(f"127.0.0.1:{server.port}", **tls, tls_server_name="fruits.example")
        checked = health(server.port, tls | {"tls_server_name": "fruits.example"})
        assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("kind", [ServiceSettings, Internal])
def test_the_health_command_uses_the_certificates_of_the_services(
    tls: dict[str, object], kind: type[ServiceSettings]
) -> None:
    with in_background(echo_server(kind, **tls)) as server:
        checked = health(server.port, tls)
        assert checked.returncode == 0, checked.stderr
        stranger = health(server.port, {})
        assert stranger.returncode == 1
        assert "is not ready" in stranger.stderr


def replace_all(certificates: Certificates, folder: Path) -> None:
    """Gives a folder the certificates of another authority, a file after the other."""
    folder.mkdir()
    new = Certificates(folder)
    new.issue("grpc", "localhost", "127.0.0.1")
    for name in ("grpc.key", "grpc.pem", "ca.pem"):
        (folder / name).replace(certificates.folder / name)


async def test_a_server_takes_new_certificates_without_a_restart(
    tls: dict[str, object], certificates: Certificates, tmp_path: Path
) -> None:
    with in_background(echo_server(Internal, **tls)) as server:
        assert await is_answered(f"localhost:{server.port}", **tls)
        (certificates.folder / "grpc.key").write_text("half of a change")
        replace_all(certificates, tmp_path / "new")
        assert await is_answered(f"localhost:{server.port}", **tls)  # by a channel that knows the new ones alone


async def test_an_open_channel_takes_new_certificates(
    tls: dict[str, object], certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.common.rpc.renewed.CHECK_SECONDS", 0)
    port = free_port()
    async with open_channel(f"localhost:{port}", ServiceSettings(**tls)) as channel:
        with in_background(echo_server(Internal, port, **tls)):
            assert await says_fine(channel)
            key = certificates.folder / "grpc.key"
            whole = key.read_bytes()
            key.write_text("half of a change")
            assert await says_fine(channel)
            key.write_bytes(whole)
            replace_all(certificates, tmp_path / "new")
        with in_background(echo_server(Internal, port, **tls)):  # which shows and accepts the new ones alone
            await eventually(lambda: says_fine(channel), "an answer with the new certificates")


def without_key(folder: Path) -> None:
    (folder / "grpc.key").unlink()


def without_certificate(folder: Path) -> None:
    (folder / "grpc.pem").unlink()


def without_authority(folder: Path) -> None:
    (folder / "ca.pem").unlink()


def with_another_key(folder: Path) -> None:
    Certificates(folder).issue("another", "localhost")[1].replace(folder / "grpc.key")


def with_a_password(folder: Path) -> None:
    path = folder / "grpc.key"
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(*form, serialization.BestAvailableEncryption(b"secret")))


def with_an_empty_authority(folder: Path) -> None:
    (folder / "ca.pem").write_text("nothing")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (without_key, "grpc.key are not a certificate in PEM and its key"),
        (without_certificate, "grpc.key are not a certificate in PEM and its key"),
        (without_authority, "ca.pem does not hold certificates in PEM"),
        (with_another_key, "grpc.key are not a certificate in PEM and its key"),
        (with_a_password, "without a password"),
        (with_an_empty_authority, "ca.pem does not hold certificates in PEM"),
    ],
)
def test_files_with_which_tls_would_not_hold_are_refused(
    tls: dict[str, object], certificates: Certificates, spoil: Callable[[Path], None], sentence: str
) -> None:
    spoil(certificates.folder)
    with pytest.raises(ValidationError, match=sentence):
        ServiceSettings(**tls)
