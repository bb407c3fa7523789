"""./launch.sh --docker runs the commands of ./launch.sh in containers."""

import os
import signal
import subprocess

from tests.support.repository import ROOT
from tests.support.systems.composed import Composed


def test_status_of_a_healthy_system(verger: Composed) -> None:
    status = verger.launch("--status")
    assert status.returncode == 0, status.stdout + status.stderr
    assert "Everything is healthy" in status.stdout


def test_status_names_the_service_that_is_not_healthy(verger: Composed) -> None:
    verger.compose("stop", "mlflow")
    status = verger.launch("--status")
    verger.compose("start", "mlflow")
    verger.compose("up", "--detach", "--wait")
    assert status.returncode == 1
    assert "Not healthy: mlflow" in status.stdout


def test_a_missing_data_folder_is_named_in_the_error(verger: Composed) -> None:
    refused = verger.launch("--train", "/no/such/folder")
    assert refused.returncode == 2
    assert "/no/such/folder" in refused.stderr


def test_without_docker_the_error_suggests_launch_sh_alone(verger: Composed) -> None:
    refused = verger.run("./launch.sh", "--docker", DOCKER_HOST="unix:///no/such/socket")
    assert refused.returncode == 1
    assert "Without --docker, ./launch.sh needs neither" in refused.stderr


def test_ctrl_c_stops_verger_and_keeps_its_data(verger: Composed) -> None:
    verger.description("A description.")
    before = verger.version()
    with subprocess.Popen(
        [str(ROOT / "launch.sh"), "--docker"],
        env=verger.environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if "Ctrl-C stops Verger" in line:
                break
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(timeout=120) == 0
    assert "Verger has stopped." in rest
    assert verger.containers("web", "--all") == []
    assert verger.launch("--status").returncode == 1
    assert "not running" in verger.launch("--stop").stdout

    again = verger.launch("--detach")
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"web page     {verger.web.replace('127.0.0.1', 'localhost')}" in again.stdout
    assert "open to      this machine alone" in again.stdout
    assert verger.version() == before
    assert verger.description() == "A description."
