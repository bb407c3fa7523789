"""Runs a real MLflow server and registers versions in it."""

import itertools
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mlflow import MlflowClient

from services.common.process.health import problem_with
from tests.support.waiting import wait_until

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = range(10_000 + 2_500 * (_WORKER % 8), 12_500 + 2_500 * (_WORKER % 8))
_next_port = itertools.cycle(random.sample(_PORTS, len(_PORTS))).__next__


def free_port() -> int:
    """Returns a port that is free, and stays so until somebody asks for this very one.

    A server may need it seconds later. Connections get their ports from 32768 on Linux, and each process of the tests
    has a range of its own.
    """
    while True:
        port = _next_port()
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port


@dataclass
class MlflowServer:
    """`mlflow server` with SQLite and proxied artifacts in a folder. It can be restarted on its port."""

    folder: Path
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        store = ["--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db"]
        artifacts = ["--artifacts-destination", str(self.folder / "artifacts"), "--serve-artifacts"]
        address = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        with (self.folder / "mlflow.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *address, *store, *artifacts],
                env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: problem_with(f"{self.url}/health") is None, seconds=300, what="MLflow")

    def stop(self) -> None:
        """Kills the server and its worker at once."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def register(self, name: str, version: Path, alias: str | None = "champion") -> str:
        """Uploads and registers a version directory. Returns the number of the version."""
        client = MlflowClient(self.url, self.url)
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        run = client.create_run(experiment_id="0")
        client.log_artifacts(run.info.run_id, str(version), "model")
        made = client.create_model_version(name, f"{run.info.artifact_uri}/model", run.info.run_id)
        if alias:
            client.set_registered_model_alias(name, alias, made.version)
        return str(made.version)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Moves an alias."""
        MlflowClient(self.url, self.url).set_registered_model_alias(name, alias, version)


@contextmanager
def running_mlflow(folder: Path) -> Iterator[MlflowServer]:
    """Runs a server for the duration of a block."""
    server = MlflowServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
