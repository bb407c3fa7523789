"""./launch.sh as a command."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.repository import ROOT
from tests.support.systems.launched import Launched
from tests.support.waiting import wait_until


def test_status_of_a_running_system(verger: Launched) -> None:
    status = verger.launch("--status")
    assert status.returncode == 0, status.stdout + status.stderr
    assert "Everything is healthy" in status.stdout


def test_starting_twice_says_that_it_runs(verger: Launched) -> None:
    again = verger.launch("--detach")
    assert again.returncode == 0
    assert "already running" in again.stdout
    assert f"http://localhost:{verger.ports['VERGER_WEB_PORT']}" in again.stdout


def test_photos_come_before_mlflow(verger: Launched) -> None:
    (mlflow,) = verger.pids("mlflow server")
    (web,) = verger.pids("services.web")
    first = os.getpriority(os.PRIO_PROCESS, web)
    wait_until(lambda: os.getpriority(os.PRIO_PROCESS, mlflow) == first + 10, what="MLflow to come last")


def second_system(verger: Launched, home: Path) -> Launched:
    """Another system on this machine that shares the first one's environment, to save the minutes of its set-up."""
    home.mkdir()
    (home / "env").symlink_to(verger.home / "env")
    return Launched(home)


def test_a_taken_port_is_said_by_name(verger: Launched, tmp_path: Path) -> None:
    system = second_system(verger, tmp_path / "home")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", system.ports["VERGER_PREPROCESS_PORT"]))
        holder.listen()
        refused = system.launch("--detach")
    port = system.ports["VERGER_PREPROCESS_PORT"]
    assert refused.returncode == 1
    assert f"port {port} is in use" in refused.stderr
    assert "VERGER_PREPROCESS_PORT=" in refused.stderr


def test_ctrl_c_stops_everything(verger: Launched, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--train"]])
def test_wrong_usage_is_explained(verger: Launched, arguments: list[str]) -> None:
    refused = verger.launch(*arguments)
    assert refused.returncode == 2
    assert "usage:" in refused.stderr
