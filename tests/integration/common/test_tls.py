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
    certificate, key = certificates.issue("grpc", "localhost", "127.0.0.1")
    return {"tls_certificate_file": certificate, "tls_key_file": key, "tls_ca_file": certificates.ca}


def echo_server(**settings: object) -> AbstractAsyncContextManager[RunningServer]:
    @asynccontextmanager
    async def ready() -> AsyncIterator[RunningServer]:
        async with running_server(
            ServiceSettings(**settings),
            0,
            0,
            [SERVICE],
            lambda server: classifier_pb2_grpc.add_ClassifierServiceServicer_to_server(Echo(), server),
        ) as server:
            await server.set_ready(True)
            yield server

    return ready()


async def is_answered(target: str, **settings: object) -> bool:
    """Whether a call by a channel with these settings is answered."""
    async with open_channel(target, ServiceSettings(**settings)) as channel:
        request = classifier_pb2.ClassifyRequest(request_id="fine")
        try:
            answer = await classifier_pb2_grpc.ClassifierServiceStub(channel).Classify(request, timeout=2)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.request_id == "fine")


def health(port: int, settings: Mapping[str, object]) -> "subprocess.CompletedProcess[str]":
    """Runs the health command as a container or launch.sh does, with settings in its environment."""
    variables = {f"VERGER_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "services.common.process.health", f"grpcs://127.0.0.1:{port}/{SERVICE}"]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, timeout=60, check=False
    )


async def test_clients_of_a_server_with_tls_need_no_certificate_of_their_own(tls: dict[str, object]) -> None:
    with in_background(echo_server(**tls)) as server:
        assert await is_answered(f"localhost:{server.port}", tls_ca_file=tls["tls_ca_file"])
        assert not await is_answered(f"localhost:{server.port}")  # without TLS


async def test_clients_need_a_certificate_where_the_server_has_an_authority_for_them(tls: dict[str, object]) -> None:
    with in_background(echo_server(**tls, tls_client_ca_file=tls["tls_ca_file"])) as server:
        assert await is_answered(f"localhost:{server.port}", **tls)
        assert not await is_answered(f"localhost:{server.port}", tls_ca_file=tls["tls_ca_file"])


async def test_a_client_that_another_authority_has_signed_is_refused(tls: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    certificate, key = Certificates(tmp_path / "other").issue("grpc", "localhost")
    with in_background(echo_server(**tls, tls_client_ca_file=tls["tls_ca_file"])) as server:
        stranger = tls | {"tls_certificate_file": certificate, "tls_key_file": key}
        assert not await is_answered(f"localhost:{server.port}", **stranger)


async def test_a_certificate_for_another_name_needs_that_name_in_the_settings(
    tls: dict[str, object], certificates: Certificates
) -> None:
    certificate, key = certificates.issue("public", "fruits.example")
    public = tls | {"tls_certificate_file": certificate, "tls_key_file": key}
    with in_background(echo_server(**public)) as server:
        assert not await is_answered(f"127.0.0.1:{server.port}", **public)
        assert health(server.port, public).returncode == 1
        assert await is_answered(f"127.0.0.1:{server.port}", **public, tls_server_name="fruits.example")
        checked = health(server.port, public | {"tls_server_name": "fruits.example"})
        assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("mutual", [False, True])
def test_the_health_command_uses_the_certificates_of_the_services(tls: dict[str, object], mutual: bool) -> None:
    more = {"tls_client_ca_file": tls["tls_ca_file"]} if mutual else {}
    with in_background(echo_server(**tls, **more)) as server:
        checked = health(server.port, tls)
        assert checked.returncode == 0, checked.stderr
        stranger = health(server.port, {})
        assert stranger.returncode == 1
        assert "is not ready" in stranger.stderr


def without_key(tls: dict[str, object]) -> None:
    del tls["tls_key_file"]


def without_certificate(tls: dict[str, object]) -> None:
    del tls["tls_certificate_file"]


def without_authority(tls: dict[str, object]) -> None:
    del tls["tls_ca_file"]


def with_clients_only(tls: dict[str, object]) -> None:
    tls["tls_client_ca_file"] = tls.pop("tls_ca_file")
    del tls["tls_certificate_file"], tls["tls_key_file"]


def with_a_missing_file(tls: dict[str, object]) -> None:
    tls["tls_key_file"] = Path(str(tls["tls_key_file"])).with_name("none.key")


def with_another_key(tls: dict[str, object]) -> None:
    folder = Path(str(tls["tls_key_file"])).parent
    tls["tls_key_file"] = Certificates(folder).issue("another", "localhost")[1]


def with_a_password(tls: dict[str, object]) -> None:
    path = Path(str(tls["tls_key_file"]))
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(*form, serialization.BestAvailableEncryption(b"secret")))


def with_an_empty_authority(tls: dict[str, object]) -> None:
    Path(str(tls["tls_ca_file"])).write_text("nothing")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (without_key, "VERGER_TLS_CERTIFICATE_FILE is set without VERGER_TLS_KEY_FILE"),
        (without_certificate, "VERGER_TLS_KEY_FILE is set without VERGER_TLS_CERTIFICATE_FILE"),
        (without_authority, "VERGER_TLS_CERTIFICATE_FILE is set without VERGER_TLS_CA_FILE"),
        (with_clients_only, "Set VERGER_TLS_CERTIFICATE_FILE and VERGER_TLS_KEY_FILE, too"),
        (with_a_missing_file, "none.key are not a certificate in PEM and its key"),
        (with_another_key, "another.key are not a certificate in PEM and its key"),
        (with_a_password, "without a password"),
        (with_an_empty_authority, "ca.pem does not hold certificates in PEM"),
    ],
)
def test_settings_with_which_tls_would_not_hold_are_refused(
    tls: dict[str, object], spoil: Callable[[dict[str, object]], None], sentence: str
) -> None:
    spoil(tls)
    with pytest.raises(ValidationError, match=sentence):
        ServiceSettings(**tls)


def test_a_server_without_a_certificate_does_not_start_where_channels_use_tls(certificates: Certificates) -> None:
    with (
        pytest.raises(ValueError, match="this gRPC server has no certificate"),
        in_background(echo_server(tls_ca_file=certificates.ca)),
    ):
        pass
