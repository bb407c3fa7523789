"""The wheel of the client, on every supported Python of this machine."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.own_environment import UV, run_apart
from tests.support.repository import ROOT

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [UV, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder]
    subprocess.run([*build, ROOT / "client"], check=True)
    (found,) = folder.glob("*.whl")
    return found


def test_it_holds_the_client_and_the_stubs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"verger_client/py.typed", "verger/v1/classifier_pb2.py", "verger/v1/classifier_pb2_grpc.py"} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"verger_client", "verger"}


@pytest.mark.parametrize("python", PYTHONS)
def test_it_runs_on_each_python(wheel: Path, tmp_path: Path, python: str) -> None:
    find = [UV, "python", "find", "--no-python-downloads", python]
    if subprocess.run(find, capture_output=True, check=False).returncode:
        pytest.skip(f"no Python {python}")
    done = run_apart(str(wheel), "verger", "classify", "none.jpg", cwd=tmp_path, seconds=300, python=python)
    assert (done.returncode, done.stderr) == (1, "none.jpg: none.jpg can't be read: No such file or directory.\n")
