"""What launch.sh says before a start about wrong settings and ports that are taken."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from services.access.database import open_database
from services.access.keys import Scope
from services.access.store import KeyStore
from tests.support.repository import ROOT
from tests.support.servers.mlflow_server import free_port

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


def preflight(**changes: str) -> list[str]:
    """The faults of a system on free ports with these changes."""
    variables = {name: str(free_port()) for name in PORTS} | changes
    done = subprocess.run(
        [sys.executable, "-m", "scripts.preflight", "../verger/launch.sh"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == ""
    assert done.returncode == bool(done.stderr)
    return done.stderr.splitlines()


def test_a_sound_system_has_no_faults() -> None:
    assert preflight() == []


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("VERGER_WEB_PORT", "eighty", "verger: VERGER_WEB_PORT=eighty: Input should be a valid integer"),
        ("VERGER_WEB_PORT", "0", "verger: VERGER_WEB_PORT=0: Input should be greater than or equal to 1."),
        (
            "VERGER_MLFLOW_PORT",
            "99999",
            "verger: VERGER_MLFLOW_PORT=99999: Input should be less than or equal to 65535.",
        ),
        ("VERGER_START_SECONDS", "soon", "verger: VERGER_START_SECONDS=soon: Input should be a valid number"),
        ("VERGER_LOG_LEVEL", "loud", "verger: VERGER_LOG_LEVEL=loud: Input should be 'debug', 'info', 'warning' or"),
        ("VERGER_MODEL_NAME", "a/b", "verger: VERGER_MODEL_NAME=a/b: String should match pattern"),
        (
            "VERGER_MAX_IMAGE_BYTES",
            "1",
            "verger: VERGER_MAX_IMAGE_BYTES=1: Input should be greater than or equal to 1024",
        ),
        ("VERGER_TLS", "off", "verger: VERGER_TLS=off: Input should be 'on'."),
    ],
)
def test_a_wrong_setting_is_named_once_with_what_is_allowed(name: str, value: str, told: str) -> None:
    (line,) = preflight(**{name: value})
    assert line.startswith(told)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("VERGER_ACCES", "VERGER_ACCESS"),
        ("VERGER_WEBPORT", "VERGER_WEB_PORT"),
        ("VERGER_PREPROCESS_REPLICA", "VERGER_PREPROCESS_REPLICAS"),
    ],
)
def test_a_misspelt_setting_is_named_with_what_was_meant(name: str, meant: str) -> None:
    assert preflight(**{name: "keys"}) == [f"verger: {name} is not a setting. Did you mean {meant}?"]


def test_a_variable_of_somebody_else_is_left_alone() -> None:
    assert preflight(VERGER_DATA="/photos", VERGER_OF_THE_SCHOOL="1") == []


def test_all_taken_ports_are_named_with_their_users_and_one_command(tmp_path: Path) -> None:
    program = "import socket, sys, time\nheld = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)]\n"
    program += "print(*(one.getsockname()[1] for one in held), flush=True)\ntime.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        web, mlflow = holder.stdout.readline().split()
        lines = preflight(VERGER_WEB_PORT=web, VERGER_MLFLOW_PORT=mlflow)
        holder.kill()
    assert len(lines) == 3
    for line, port in zip(lines, sorted((web, mlflow), key=int), strict=False):
        assert line.startswith(f"verger: port {port} is in use by ")
        if sys.platform == "linux":
            assert f"process {holder.pid}: {sys.executable}" in line
    words = lines[2].split()
    chosen = dict(word.split("=") for word in words if word.startswith("VERGER_"))
    assert set(chosen) == {"VERGER_WEB_PORT", "VERGER_MLFLOW_PORT"}
    assert words[-1] == "../verger/launch.sh"
    assert preflight(**chosen) == []


def test_a_port_that_two_services_would_share_is_named() -> None:
    port = str(free_port())
    lines = preflight(VERGER_WEB_PORT=port, VERGER_INFERENCE_PORT=port)
    assert lines[0] == f"verger: port {port} is given to several services."


def test_a_port_that_is_freed_in_this_moment_is_no_fault() -> None:
    program = "import socket, sys\nheld = socket.create_server(('127.0.0.1', 0))\n"
    program += "print(held.getsockname()[1], flush=True)\nsys.stdin.readline()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1, text=True) as holder:
        assert holder.stdout
        port = holder.stdout.readline().strip()
        environment = {"PATH": os.environ["PATH"]} | {name: str(free_port()) for name in PORTS}
        ask = "import scripts.preflight as p, subprocess, sys\n"
        ask += "p.time.sleep = lambda seconds: (print(flush=True), sys.stdin.readline())\nsys.exit(p.main())"
        with subprocess.Popen(
            [sys.executable, "-c", ask, "./launch.sh"],
            cwd=ROOT,
            env=environment | {"VERGER_WEB_PORT": port},
            stdin=-1,
            stdout=-1,
            text=True,
        ) as asking:
            assert asking.stdout
            asking.stdout.readline()  # it has seen that the port is taken, and waits for its second look
            holder.communicate("\n")
            asking.communicate("\n")
    assert asking.returncode == 0


def test_an_address_of_version_6_is_checked() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    assert preflight(VERGER_BIND_ADDRESS="::1") == []


@pytest.mark.parametrize("service", ["", "PREPROCESS_", "COLLECTION_"])
def test_a_service_that_other_machines_reach_needs_a_key_first(service: str, tmp_path: Path) -> None:
    settings = {f"VERGER_{service}BIND_ADDRESS": "0.0.0.0", "VERGER_HOME": str(tmp_path)}
    settings |= {"VERGER_ACCESS_COMMAND": "./launch.sh --access"}
    (line,) = preflight(**settings)
    assert "nobody has a key yet. Make one: ./launch.sh --access make --name admin --owner YOU --scope admin" in line
    assert preflight(VERGER_ACCESS="open", **settings) == []
    store = KeyStore(open_database(f"sqlite:///{tmp_path / 'access' / 'access.db'}"))
    store.make("shop", "anna", frozenset({Scope.CLASSIFY}), None)
    store.close()
    assert preflight(**settings) == []
