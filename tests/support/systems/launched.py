"""The whole system as a user starts it with ./launch.sh, with its own ports and data folder."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.repository import ROOT
from tests.support.servers.mlflow_server import free_port
from tests.support.systems.system import System
from tests.support.waiting import wait_until

PORTS = (
    "VERGER_WEB_PORT",
    "VERGER_PREPROCESS_PORT",
    "VERGER_INFERENCE_PORT",
    "VERGER_MLFLOW_PORT",
    "VERGER_PREPROCESS_METRICS_PORT",
    "VERGER_INFERENCE_METRICS_PORT",
    "VERGER_COLLECTION_PORT",
    "VERGER_COLLECTION_METRICS_PORT",
)


@dataclass
class Launched(System):
    """A system that ./launch.sh runs."""

    home: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for launch.sh: this process's variables with the settings of this system alone."""
        others = {name: value for name, value in os.environ.items() if not name.startswith("VERGER_")}
        return (
            others
            | self.settings
            | {"VERGER_HOME": str(self.home)}
            | {name: str(port) for name, port in self.ports.items()}
        )

    @property
    def inference(self) -> str:
        """Address of the inference service."""
        return self._address("VERGER_INFERENCE_PORT")

    @property
    def collection(self) -> str:
        """Address of the collection service."""
        return self._address("VERGER_COLLECTION_PORT")

    @property
    def folder(self) -> Path:
        """The checkout whose launch.sh runs the system."""
        return ROOT

    def launch(self, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Runs launch.sh with these arguments in `cwd` and waits for its end.

        It has a session of its own, as in a user's terminal. Linux shares time between sessions; in that of all tests,
        the trainer, whose priority is low, would hardly get any.
        """
        return subprocess.run(
            [str(self.folder / "launch.sh"), *arguments],
            cwd=cwd,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=900,
            start_new_session=True,
        )

    def trainer(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of the trainer."""
        return self.launch("--trainer", *arguments)

    def serving_web(self) -> int:
        """Returns the web process that serves, which holds a lock; the other one waits for it."""
        wait_until(self._web_with_lock, what="a serving web process")
        (pid,) = self._web_with_lock()
        return pid

    def _web_with_lock(self) -> set[int]:
        locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        return {int(lock[4]) for lock in locks if lock[1] == "FLOCK"} & set(self.pids("services.web"))

    def log(self, program: str) -> Path:
        """Returns the file that a program of this system logs to."""
        return self.home / "logs" / f"{program}.log"

    def pids(self, program: str) -> list[int]:
        """Returns the processes of this system whose command line contains `program`."""
        found = subprocess.run(["pgrep", "-f", f"{self.home}.*{program}"], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]


@contextmanager
def launched(home: Path, **settings: str) -> Iterator[Launched]:
    """Runs a system with this data folder until the block ends. An empty folder gets an environment of its own."""
    system = Launched(home, settings=settings)
    started = system.launch("--detach")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        yield system
    finally:
        system.launch("--stop")
