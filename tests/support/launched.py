"""The whole system as a user starts it: ./launch.sh, with ports and a data folder of its own."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT
from tests.support.mlflow_server import free_port
from tests.support.system import System

PORTS = (
    "VERGER_WEB_PORT",
    "VERGER_PREPROCESS_PORT",
    "VERGER_INFERENCE_PORT",
    "VERGER_MLFLOW_PORT",
    "VERGER_PREPROCESS_METRICS_PORT",
    "VERGER_INFERENCE_METRICS_PORT",
)


@dataclass
class Launched(System):
    """What ./launch.sh runs."""

    home: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VERGER_")}
        return clean | {"VERGER_HOME": str(self.home)} | {name: str(port) for name, port in self.ports.items()}

    @property
    def inference(self) -> str:
        return self._address("VERGER_INFERENCE_PORT")

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

    def pids(self, program: str) -> list[int]:
        """Processes whose command line names this program and which belong to this system."""
        found = subprocess.run(["pgrep", "-f", f"{self.home}.*{program}"], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]
