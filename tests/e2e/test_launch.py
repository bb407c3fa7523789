"""Commands of ./launch.sh."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repository import ROOT
from tests.support.systems.launched import Launched
from tests.support.waiting import wait_until


def test_status_of_a_healthy_system(verger: Launched) -> None:
    status = verger.launch("--status")
    assert status.returncode == 0, status.stdout + status.stderr
    assert "Everything is healthy" in status.stdout


def test_a_second_start_says_that_verger_is_already_running(verger: Launched) -> None:
    again = verger.launch("--detach")
    assert again.returncode == 0
    assert "already running" in again.stdout
    assert f"http://localhost:{verger.ports['VERGER_WEB_PORT']}" in again.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: /proc/net")
def test_only_the_page_is_open_to_other_machines(verger: Launched) -> None:
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()
        if line.split()[3] == "0A"  # the state LISTEN
    ]
    open_ports = {int(port, 16) for address, port in (pair.split(":") for pair in listening) if not int(address, 16)}
    local_ports = {int(port, 16) for address, port in (pair.split(":") for pair in listening) if int(address, 16)}
    assert open_ports & set(verger.ports.values()) == {verger.ports["VERGER_WEB_PORT"]}
    assert set(verger.ports.values()) - local_ports == {verger.ports["VERGER_WEB_PORT"]}


def test_mlflow_has_a_lower_priority_than_web(verger: Launched) -> None:
    (mlflow,) = verger.pids("mlflow server")
    (web,) = verger.pids("services.web")
    first = os.getpriority(os.PRIO_PROCESS, web)
    wait_until(lambda: os.getpriority(os.PRIO_PROCESS, mlflow) == first + 10, what="the lower priority of MLflow")


def second_system(verger: Launched, home: Path) -> Launched:
    """Returns another system that shares the environment of the first one, whose installation takes minutes."""
    home.mkdir()
    (home / "env").symlink_to(verger.home / "env")
    return Launched(home)


def test_a_port_in_use_is_named_with_its_setting(verger: Launched, tmp_path: Path) -> None:
    system = second_system(verger, tmp_path / "home")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", system.ports["VERGER_PREPROCESS_PORT"]))
        holder.listen()
        refused = system.launch("--detach")
    port = system.ports["VERGER_PREPROCESS_PORT"]
    assert refused.returncode == 1
    assert f"port {port} is in use" in refused.stderr
    assert "VERGER_PREPROCESS_PORT=" in refused.stderr


def test_ctrl_c_stops_verger(verger: Launched, tmp_path: Path) -> None:
    system = second_system(verger, tmp_path / "home")
    with subprocess.Popen(
        [str(ROOT / "launch.sh")], env=system.environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if "Ctrl-C stops Verger" in line:
                break
        assert system.pids("services.web")
        os.killpg(process.pid, signal.SIGINT)
        process.stdout.read()
        assert process.wait(timeout=60) == 0
    wait_until(lambda: not system.pids(""), what="the end of all processes")
    assert system.launch("--status").returncode == 1


@pytest.mark.parametrize("arguments", [["--unknown"], ["--train"]])
def test_wrong_arguments_print_the_usage(verger: Launched, arguments: list[str]) -> None:
    refused = verger.launch(*arguments)
    assert refused.returncode == 2
    assert "usage:" in refused.stderr
