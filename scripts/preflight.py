"""Checks what launch.sh is about to start: its settings, their names, its keys, and whether its ports are free.

usage: python -m scripts.preflight LAUNCH

LAUNCH is how launch.sh was called, for the command that is suggested.
Writes one sentence for each fault, which says what is allowed, who has the port, or that a key is needed first. Exit
status 1: there is a fault.
"""

import difflib
import os
import re
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import Field, ValidationError

from bulk.config import BulkSettings
from engine.settings import Settings
from services.access.config import AccessSettings
from services.access.start import missing_key
from services.collection.config import CollectionSettings
from services.common.process.start import problems_of
from services.inference.config import InferenceSettings
from services.preprocess.config import PreprocessSettings
from services.web.config import WebSettings
from trainer.config import TrainerSettings

SECOND_LOOK_SECONDS = 1.0
"""A program that is ending just now gets so long to free its port."""


MIN_LIKENESS = 0.85
"""Ratio of difflib.SequenceMatcher from which an unknown name is taken for a misspelt one. Others may be of no concern
to Verger."""

PUBLIC: dict[type[AccessSettings], str] = {
    WebSettings: "bind_address",
    PreprocessSettings: "preprocess_bind_address",
    CollectionSettings: "collection_bind_address",
}
"""The settings of the services that ask for keys, and the setting with the address of each."""


class LaunchSettings(Settings):
    """The settings of launch.sh itself, and narrower limits for some of the services'."""

    web_port: int = Field(default=8000, ge=1, le=65535)
    preprocess_port: int = Field(default=50051, ge=1, le=65535)
    inference_port: int = Field(default=50052, ge=1, le=65535)
    collection_port: int = Field(default=50053, ge=1, le=65535)
    mlflow_port: int = Field(default=5000, ge=1, le=65535)
    preprocess_metrics_port: int = Field(default=9101, ge=1, le=65535)
    inference_metrics_port: int = Field(default=9102, ge=1, le=65535)
    collection_metrics_port: int = Field(default=9103, ge=1, le=65535)
    bind_address: str = "127.0.0.1"
    preprocess_bind_address: str = "127.0.0.1"
    inference_bind_address: str = "127.0.0.1"
    collection_bind_address: str = "127.0.0.1"
    mlflow_bind_address: str = "127.0.0.1"
    metrics_bind_address: str = "127.0.0.1"
    start_seconds: float = Field(default=300, gt=0)

    def ports(self) -> dict[str, tuple[str, int]]:
        """Address and port by the name of the port's variable."""
        return {
            "VERGER_WEB_PORT": (self.bind_address, self.web_port),
            "VERGER_PREPROCESS_PORT": (self.preprocess_bind_address, self.preprocess_port),
            "VERGER_INFERENCE_PORT": (self.inference_bind_address, self.inference_port),
            "VERGER_COLLECTION_PORT": (self.collection_bind_address, self.collection_port),
            "VERGER_MLFLOW_PORT": (self.mlflow_bind_address, self.mlflow_port),
            "VERGER_PREPROCESS_METRICS_PORT": (self.metrics_bind_address, self.preprocess_metrics_port),
            "VERGER_INFERENCE_METRICS_PORT": (self.metrics_bind_address, self.inference_metrics_port),
            "VERGER_COLLECTION_METRICS_PORT": (self.metrics_bind_address, self.collection_metrics_port),
        }


def wrong_settings() -> list[str]:
    """Describes each wrong setting once, though several programs may read it."""
    found: dict[str, None] = {}
    for kind in (LaunchSettings, InferenceSettings, TrainerSettings):
        try:
            kind()
        except ValidationError as error:
            found |= dict.fromkeys(problems_of(error))
    return list(found | dict.fromkeys(_wrong_settings_of_public_services()))


def _wrong_settings_of_public_services() -> Iterator[str]:
    for kind, variable in PUBLIC.items():
        try:
            kind(bind_address=os.environ.get(f"VERGER_{variable.upper()}") or "127.0.0.1")
        except ValidationError as error:
            yield from problems_of(error)


def missing_keys() -> list[str]:
    """Says once that a key is needed, if other machines may reach a service that asks for them. Settings are right."""
    addresses = LaunchSettings()
    found = (missing_key(kind(bind_address=getattr(addresses, name))) for kind, name in PUBLIC.items())
    return list(dict.fromkeys(filter(None, found)))


def misspelt_settings(names: Iterable[str]) -> list[str]:
    """Describes each variable that no program reads, but whose name is nearly that of a setting."""
    kinds = (LaunchSettings, *PUBLIC, InferenceSettings, TrainerSettings, BulkSettings)
    known = {field.upper() for kind in kinds for field in kind.model_fields}
    for file in (Path("launch.sh"), Path(".env.example")):
        known.update(re.findall(r"VERGER_([A-Z_]+[A-Z])", file.read_text(encoding="utf-8")))
    faults = []
    for unknown in sorted({name.removeprefix("VERGER_") for name in names if name.startswith("VERGER_")} - known):
        if meant := difflib.get_close_matches(unknown, known, n=1, cutoff=MIN_LIKENESS):
            faults.append(f"VERGER_{unknown} is not a setting. Did you mean VERGER_{meant[0]}?")
    return faults


def taken_ports(ports: dict[str, tuple[str, int]], launch: str) -> list[str]:
    """Describes each port that can't be opened, and ends with a command that chooses others; launch: see above."""
    taken = {name: place for name, place in ports.items() if not is_free(*place)}
    if taken:
        time.sleep(SECOND_LOOK_SECONDS)
        taken = {name: place for name, place in taken.items() if not is_free(*place)}
    counts = Counter(port for _, port in ports.values())
    doubled = {name: place for name, place in ports.items() if counts[place[1]] > 1}
    if not taken and not doubled:
        return []
    faults = [f"port {port} is in use by {user_of(port)}." for port in sorted({port for _, port in taken.values()})]
    faults += [f"port {port} is given to several services." for port in sorted({port for _, port in doubled.values()})]
    others = " ".join(f"{name}={free_port(*place)}" for name, place in (taken | doubled).items())
    return [*faults, f"Free what is taken, or choose other ports: {others} {launch}"]


def is_free(address: str, port: int) -> bool:
    """Whether a server could listen there."""
    address = address.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


_suggested: set[int] = set()


def free_port(address: str, port: int) -> int:
    """A port that is free, by its last digits like the given one, and not suggested before."""
    candidates = [*range(port + 1000, 65536, 1000), *range(1024, 65536)]
    found = next(other for other in candidates if other not in _suggested and is_free(address, other))
    _suggested.add(found)
    return found


def user_of(port: int) -> str:
    """Names the process that listens on a port, where the system tells us (Linux, processes of the same user)."""
    sockets = {f"socket:[{inode}]" for inode in listening(port)}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(file) in sockets for file in (process / "fd").iterdir()):
                command = (process / "cmdline").read_bytes().decode(errors="replace")
                words = "".join(letter if letter.isprintable() else " " for letter in command)
                return f"process {process.name}: {words.strip()[:200]}"
        except OSError:  # it has ended, or belongs to somebody else
            continue
    return "another program"


def listening(port: int) -> Iterator[str]:
    """The inodes of the sockets that listen on a port."""
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else []:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:  # the state LISTEN
                yield fields[9]


def main() -> int:
    """Writes the faults to stderr. Returns the exit status."""
    faults = misspelt_settings(os.environ) + wrong_settings() or missing_keys()
    faults = faults or taken_ports(LaunchSettings().ports(), sys.argv[1])
    for fault in faults:
        sys.stderr.write(f"verger: {fault}\n")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
