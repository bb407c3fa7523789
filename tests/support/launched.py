"""The whole system as a user starts it: ./launch.sh, with ports and a data folder of its own."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import ROOT
from tests.support.mlflow_server import free_port
from tests.support.waiting import wait_until

PORTS = (
    "VERGER_WEB_PORT",
    "VERGER_PREPROCESS_PORT",
    "VERGER_INFERENCE_PORT",
    "VERGER_MLFLOW_PORT",
    "VERGER_PREPROCESS_METRICS_PORT",
    "VERGER_INFERENCE_METRICS_PORT",
)


@dataclass
class Launched:
    """What ./launch.sh runs."""

    home: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VERGER_")}
        return clean | {"VERGER_HOME": str(self.home)} | {name: str(port) for name, port in self.ports.items()}

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.ports['VERGER_WEB_PORT']}"

    @property
    def mlflow(self) -> str:
        return f"http://127.0.0.1:{self.ports['VERGER_MLFLOW_PORT']}"

    @property
    def preprocess(self) -> str:
        return f"127.0.0.1:{self.ports['VERGER_PREPROCESS_PORT']}"

    @property
    def inference(self) -> str:
        return f"127.0.0.1:{self.ports['VERGER_INFERENCE_PORT']}"

    def launch(self, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Runs launch.sh with these arguments to its end, called from `cwd`."""
        return subprocess.run(
            [str(ROOT / "launch.sh"), *arguments],
            cwd=cwd,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=900,
        )

    def classify(self, photo: bytes, timeout: float = 15) -> httpx.Response:
        """Sends one photo to the REST API."""
        return httpx.post(f"{self.web}/api/v1/classify", content=photo, timeout=timeout)

    def answer(self, photo: bytes) -> dict[str, Any]:
        """The API's result for one photo that must be answered."""
        response = self.classify(photo)
        assert response.status_code == 200, response.text
        (result,) = response.json()["results"]
        return dict(result)

    def version(self) -> str:
        """The live version, as the API tells it."""
        response = httpx.get(f"{self.web}/api/v1/model", timeout=15)
        return str(response.json().get("version"))

    def pids(self, program: str) -> list[int]:
        """Processes whose command line names this program and which belong to this system."""
        found = subprocess.run(["pgrep", "-f", f"{self.home}.*{program}"], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]

    def wait_ready(self, seconds: float = 60) -> None:
        """Returns when the whole chain answers."""

        def ready() -> bool:
            try:
                return httpx.get(f"{self.web}/readyz", timeout=5).status_code == 200
            except httpx.TransportError:
                return False

        wait_until(ready, seconds, "readiness")
