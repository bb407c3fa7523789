"""What scripts/mlflow.sh does with the process group of its last start, before it starts MLflow."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repository import ROOT


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder whose MLflow ends at once."""
    programs = tmp_path / "env" / "serving" / "bin"
    programs.mkdir(parents=True)
    for name in ("mlflow", "python"):
        (programs / name).write_text("#!/bin/sh\nexit 1\n")
        (programs / name).chmod(0o755)
    (tmp_path / "run").mkdir()
    return tmp_path


@pytest.fixture
def group(request: pytest.FixtureRequest, home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process in a group of its own, noted as that of the last MLflow. Its arguments are the test's parameter."""
    arguments = [argument.replace("HOME", str(home)) for argument in request.param]
    command = [sys.executable, "-c", "import time; time.sleep(600)", *arguments]
    with subprocess.Popen(command, start_new_session=True) as process:
        (home / "run" / "mlflow.group").write_text(str(os.getpgid(process.pid)))
        yield process
        process.kill()


def start_mlflow(home: Path) -> None:
    variables = {"VERGER_HOME": str(home), "VERGER_MLFLOW_URL": "http://127.0.0.1:9", "PATH": os.environ["PATH"]}
    variables["COLUMNS"] = "80"  # a narrow terminal, at which ps cuts lines unless it is told not to
    addresses = {"VERGER_MLFLOW_BIND_ADDRESS": "127.0.0.1", "VERGER_MLFLOW_PORT": "9"}
    subprocess.run([ROOT / "scripts" / "mlflow.sh"], env=variables | addresses, check=False)


@pytest.mark.parametrize("group", [["HOME/env/serving/bin/mlflow", "server"]], indirect=True)
def test_what_is_left_of_the_last_mlflow_is_killed(home: Path, group: "subprocess.Popen[bytes]") -> None:
    start_mlflow(home)
    assert group.wait(timeout=60) < 0


@pytest.mark.parametrize(
    "group", [["somebody's program"], ["/elsewhere/env/serving/bin/mlflow"], ["HOME/env/serving/bin/x"]], indirect=True
)
def test_somebody_else_with_the_number_of_the_last_mlflow_is_left_alone(
    home: Path, group: "subprocess.Popen[bytes]"
) -> None:
    start_mlflow(home)
    assert group.poll() is None
