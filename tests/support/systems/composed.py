"""The whole system in containers, with its own project name, image tag and ports."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.repository import ROOT
from tests.support.servers.mlflow_server import free_port
from tests.support.systems.system import System

# standins.yml builds images from Debian packages for machines that can't pull public images.
FILES = ("docker-compose.yml", "tests/compose/standins.yml")
PORTS = ("VERGER_WEB_PORT", "VERGER_MLFLOW_PORT", "VERGER_PREPROCESS_PORT", "VERGER_PROMETHEUS_PORT")
FIXED = {
    "VERGER_TAG": "test",
    "VERGER_ACCESS": "open",
    "VERGER_BIND_ADDRESS": "127.0.0.1",
    "VERGER_REQUEST_TIMEOUT_SECONDS": "30",  # because a busy machine starts containers slowly
    "COMPOSE_DISABLE_ENV_FILE": "1",
}


def why_no_engine() -> str | None:
    """Returns the reason why containers can't run here, or None if they can."""
    if not shutil.which("docker"):
        return "no container engine: install Docker with its compose and buildx plugins"
    for command in (["info"], ["compose", "version"], ["buildx", "version"]):
        asked = subprocess.run(["docker", *command], capture_output=True, text=True, timeout=60)
        if asked.returncode:
            return f"no container engine: `docker {' '.join(command)}` fails"
    return None


@dataclass
class Composed(System):
    """A system that docker compose runs. Only compose.grpc.yml publishes its gRPC port."""

    project: str = "verger-test"
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for docker compose: this process's variables with the settings of this system alone."""
        others = {name: value for name, value in os.environ.items() if not name.startswith(("VERGER_", "COMPOSE_"))}
        names = {"COMPOSE_PROJECT_NAME": self.project, "COMPOSE_FILE": os.pathsep.join(FILES)}
        return others | FIXED | names | {name: str(port) for name, port in self.ports.items()}

    def run(self, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in the root of the repository with the settings of this system."""
        environment = self.environment | changes
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)

    def launch(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs ./launch.sh --docker with these arguments and waits for its end."""
        return self.run("./launch.sh", "--docker", *arguments)

    def compose(self, *arguments: str, layers: Sequence[str] = (), **changes: str) -> str:
        """Runs docker compose with additional files (`layers`) and returns its output. Fails the test if it fails."""
        changes["COMPOSE_FILE"] = os.pathsep.join([*FILES, *layers])
        done = self.run("docker", "compose", *arguments, **changes)
        assert done.returncode == 0, (
            f"docker compose {' '.join(arguments)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )
        return done.stdout

    def containers(self, service: str, *options: str) -> list[str]:
        """Returns the ids of running containers of a service; with "--all" also those of stopped containers."""
        return self.compose("ps", "--quiet", *options, service).split()

    def inspect(self, *containers: str) -> list[dict[str, Any]]:
        """Returns the output of docker inspect."""
        return list(json.loads(self.run("docker", "inspect", *containers).stdout))

    def python(self, container: str, code: str) -> str:
        """Runs Python code in a container and returns its output."""
        done = self.run("docker", "exec", container, "python", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def description(self, text: str | None = None) -> str:
        """Returns the description of version 1 in the registry, after replacing it by `text` if given."""
        version, api = {"name": "fruit-classifier", "version": "1"}, f"{self.mlflow}/api/2.0/mlflow/model-versions"
        if text:
            httpx.patch(f"{api}/update", json=version | {"description": text}, timeout=60).raise_for_status()
        found = httpx.get(f"{api}/get", params=version, timeout=60).raise_for_status()
        return str(found.json()["model_version"]["description"])
