"""Versions and aliases in a real MLflow."""

import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow.artifacts
import pytest
from mlflow import MlflowClient
from verger.v1 import model_pb2

from engine.contract import file_digest
from engine.errors import VersionUnknown
from engine.model.loading import load_model
from engine.version import open_version
from registry.aliases import CHALLENGER, CHAMPION, PREVIOUS
from registry.errors import RegistryUnavailable
from registry.models import Registry
from tests.support.repository import ROOT
from tests.support.servers.mlflow_server import MlflowServer, free_port
from tests.support.small_disk import BLOCK_BYTES, full, small_disk, why_no_disk
from tests.support.tiny_model import tiny_version
from tests.support.waiting import wait_until


@pytest.fixture
def registry(mlflow_server: MlflowServer, request: pytest.FixtureRequest) -> Registry:
    """A registered model for this test."""
    return Registry(mlflow_server.url, request.node.name.replace("[", "-").replace("]", ""))


@pytest.fixture(scope="module")
def directory(version_folder: Path) -> Path:
    return tiny_version(version_folder / "tiny")


def add(registry: Registry, directory: Path) -> str:
    return registry.register(directory, {"gate": "passed"}, "registry tests")


def test_an_empty_registry_has_no_versions_and_no_aliases(registry: Registry) -> None:
    assert registry.versions() == []
    assert registry.aliases() == {}


def test_a_version_holds_the_files_of_its_directory_unchanged(
    registry: Registry, directory: Path, tmp_path: Path
) -> None:
    assert add(registry, directory) == "1"
    (version,) = registry.versions()
    assert version.tags["gate"] == "passed"
    registry.download(f"models:/{registry.name}/1/", tmp_path)
    for path in directory.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_a_single_file_can_be_fetched(registry: Registry, directory: Path, tmp_path: Path) -> None:
    """Inference downloads single files."""
    add(registry, directory)
    mlflow.artifacts.download_artifacts(f"models:/{registry.name}/1/contract.json", dst_path=str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["contract.json"]


def test_a_failed_upload_leaves_no_version(
    registry: Registry, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(MlflowClient, "log_model_artifacts", fail)
    with pytest.raises(KeyboardInterrupt):
        add(registry, directory)
    assert registry.versions() == []


UPLOAD = """
import sys
from pathlib import Path
from registry.models import Registry
Registry(sys.argv[1], sys.argv[2]).register(Path(sys.argv[3]), {}, "registry tests")
"""


def test_an_upload_that_is_killed_leaves_no_version(
    registry: Registry, mlflow_server: MlflowServer, tmp_path: Path
) -> None:
    """The last file is a pipe without a writer, at which the upload blocks."""
    version = tiny_version(tmp_path / "version", gain=5)  # other tests upload other content
    (version / "more").mkdir()
    os.mkfifo(version / "more" / "pipe")
    process = subprocess.Popen(
        [sys.executable, "-c", UPLOAD, mlflow_server.url, registry.name, str(version)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    digest = open_version(version).digest

    def uploaded() -> bool:
        contracts = mlflow_server.folder.glob("artifacts/*/models/*/artifacts/contract.json")
        return any(file_digest(path) == digest for path in contracts)

    try:
        wait_until(uploaded, 60, "the first files")
    finally:
        process.kill()
        process.wait()
    assert registry.versions() == []
    assert registry.aliases() == {}

    shutil.rmtree(version / "more")
    registry.promote(add(registry, version))
    registry.download(f"models:/{registry.name}@{CHAMPION}/", tmp_path / "copy")
    assert {path.name for path in version.iterdir()} <= {path.name for path in (tmp_path / "copy").iterdir()}
    load_model(model_pb2.ModelRef(name=registry.name, version="1"), tmp_path / "copy")


def test_promotion_makes_the_old_champion_previous(registry: Registry, directory: Path) -> None:
    first, second, third = (add(registry, directory) for _ in range(3))
    assert registry.promote(first) is None
    assert registry.aliases() == {CHAMPION: "1"}
    assert registry.promote(second) == "1"
    assert registry.promote(third) == "2"
    assert registry.aliases() == {CHAMPION: "3", PREVIOUS: "2"}


def test_promoting_the_champion_changes_nothing(registry: Registry, directory: Path) -> None:
    for version in (add(registry, directory), add(registry, directory)):
        registry.promote(version)
    assert registry.promote("2") == "2"
    assert registry.aliases() == {CHAMPION: "2", PREVIOUS: "1"}


def test_rollback_swaps_champion_and_previous(registry: Registry, directory: Path) -> None:
    for version in (add(registry, directory), add(registry, directory)):
        registry.promote(version)
    assert registry.rollback() == ("2", "1")
    assert registry.aliases() == {CHAMPION: "1", PREVIOUS: "2"}
    assert registry.rollback() == ("1", "2")


def test_rollback_needs_a_previous_champion(registry: Registry, directory: Path) -> None:
    registry.promote(add(registry, directory))
    with pytest.raises(VersionUnknown, match="no previous champion"):
        registry.rollback()


def test_a_promoted_challenger_loses_that_alias(registry: Registry, directory: Path) -> None:
    registry.promote(add(registry, directory))
    registry.challenge(add(registry, directory))
    assert registry.aliases() == {CHAMPION: "1", CHALLENGER: "2"}
    registry.promote("2")
    assert registry.aliases() == {CHAMPION: "2", PREVIOUS: "1"}


def test_a_version_is_found_by_its_number_and_its_aliases(registry: Registry, directory: Path) -> None:
    registry.promote(add(registry, directory))
    assert registry.number_of("1") == registry.number_of(CHAMPION) == "1"
    with pytest.raises(VersionUnknown, match=r"has no version challenger\. It has: 1"):
        registry.number_of(CHALLENGER)


def test_unknown_versions_and_files_are_reported(registry: Registry, directory: Path, tmp_path: Path) -> None:
    with pytest.raises(VersionUnknown, match=r"has no version 1\. It has: none"):
        registry.promote("1")
    add(registry, directory)
    with pytest.raises(VersionUnknown, match=r"has no version 7\. It has: 1"):
        registry.promote("7")
    with pytest.raises(VersionUnknown, match=r"/1/none\.json is not in MLflow"):
        registry.download(f"models:/{registry.name}/1/none.json", tmp_path)


@pytest.mark.skipif(why_no_disk() is not None, reason=str(why_no_disk()))
def test_a_full_disk_is_no_outage(registry: Registry, directory: Path, tmp_path: Path) -> None:
    add(registry, directory)
    with small_disk(tmp_path, BLOCK_BYTES), full(tmp_path), pytest.raises(OSError, match="No space left"):
        registry.download(f"models:/{registry.name}/1/contract.json", tmp_path)


class Scripted(http.server.BaseHTTPRequestHandler):
    """Says that it is healthy, and gives one answer to everything else."""

    status, kind, body = 500, "text/plain", b""

    def do_GET(self) -> None:
        status, body = (200, b"OK") if self.path == "/health" else (self.status, self.body)
        self.send_response(status)
        self.send_header("content-type", self.kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in inference, where the next poll is the retry."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@contextmanager
def scripted_registry(status: int, kind: str, body: bytes) -> Iterator[Registry]:
    answer = type("Answer", (Scripted,), {"status": status, "kind": kind, "body": body})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Registry(f"http://127.0.0.1:{server.server_port}", "alias-fruits")
        server.shutdown()
        thread.join()


OUTAGES = {
    "a database that is locked": (500, "application/json", b'{"error_code": "INTERNAL_ERROR", "message": "locked"}'),
    "a host name that is not allowed": (403, "text/plain", b"Invalid Host header - possible DNS rebinding attack"),
    "a login": (401, "text/plain", b"You are not authenticated"),
    "a login, as JSON": (401, "application/json", b'{"error_code": "UNAUTHENTICATED", "message": "no alias"}'),
    "a proxy": (502, "text/html", b"<html>Bad Gateway</html>"),
    "a proxy that knows no such page": (404, "text/html", b"<html>There is no alias fruits here</html>"),
    "another program": (404, "application/json", b'{"detail": "Not Found"}'),
}


@pytest.mark.usefixtures("no_retries")
@pytest.mark.parametrize("answer", OUTAGES.values(), ids=OUTAGES.keys())
def test_an_answer_that_is_not_mlflows_own_is_an_outage(answer: tuple[int, str, bytes], tmp_path: Path) -> None:
    with scripted_registry(*answer) as registry:
        with pytest.raises(RegistryUnavailable):
            registry.champion()
        with pytest.raises(RegistryUnavailable):
            registry.aliases()
        with pytest.raises(RegistryUnavailable):
            registry.download(f"models:/{registry.name}/1/contract.json", tmp_path)


@pytest.mark.usefixtures("no_retries")
def test_a_dead_port_is_an_outage(tmp_path: Path) -> None:
    registry = Registry(f"http://127.0.0.1:{free_port()}", "fruits")
    with pytest.raises(RegistryUnavailable):
        registry.champion()
    with pytest.raises(RegistryUnavailable):
        registry.download("models:/fruits/1/contract.json", tmp_path)


def test_a_server_that_does_not_answer_is_reported() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(RegistryUnavailable, match=f"MLflow does not answer at {url} .*VERGER_MLFLOW_URL"):
        Registry(url, "nothing").wait()
