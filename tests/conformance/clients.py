"""Runs clients of other servers against a running Verger, each in an environment of its own.

A process can't hold two of them: each has its own stubs of the same messages, and protobuf knows a name once.
"""

from pathlib import Path
from subprocess import CompletedProcess

from tests.support.own_environment import run_apart
from tests.support.repository import ROOT
from tests.support.systems.launched import Launched

TRITONCLIENT = "tritonclient[grpc,http]==2.73.0"
KSERVE = "kserve==0.21.0"

SCRIPTS = {TRITONCLIENT: "triton_client.py", KSERVE: "kserve_client.py"}

SECONDS = 600.0


def run_client(package: str, system: Launched, model: str, photo: Path, label: str) -> CompletedProcess[str]:
    """Lets a client ask for this photo, which shows this label, and for pixels."""
    script = ROOT / "tests" / "conformance" / SCRIPTS[package]
    addresses = (system.web.removeprefix("http://"), system.preprocess, system.inference)
    command = ("python", str(script), *addresses, model, str(photo), label)
    return run_apart(package, *command, cwd=ROOT, seconds=SECONDS)
