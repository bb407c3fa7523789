"""Ray Data gives the rows of the local engine, whatever is killed."""

import os
import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.nightly.system import BASE
from tests.support.bulk.command import bulk, bulk_running, content_of, have_ended
from tests.support.bulk.fatal import with_fatal_photos
from tests.support.bulk.photos import colour_folder, many_photos
from tests.support.pictures.photos import RED, encoded, plain
from tests.support.repository import ROOT
from tests.support.systems.processes import family
from tests.support.tiny_model import tiny_version
from tests.support.waiting import wait_until

PHOTOS = 1500
SECONDS = 600


@pytest.fixture(scope="session")
def python() -> str:
    """The interpreter of an environment with Ray, made as launch.sh makes it."""
    script = f'. scripts/environment.sh; export VERGER_HOME="{BASE}"; make_environment bulk-ray'
    (BASE / "env").mkdir(parents=True, exist_ok=True)
    subprocess.run(["bash", "-euc", script], cwd=ROOT, check=True)
    return str(BASE / "env" / "bulk-ray" / "bin" / "python")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_version(tmp_path_factory.mktemp("bulk") / "tiny")


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return many_photos(tmp_path_factory.mktemp("many") / "photos", PHOTOS)


@pytest.fixture(scope="session")
def undisturbed(tiny: Path, many: Path, python: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the local engine makes of the many photos."""
    folder = tmp_path_factory.mktemp("local")
    status, _, notes = bulk(many, "--output", "out", "--model", tiny, cwd=folder, python=python)
    assert status == 0, notes
    return content_of(folder / "out")


def begun(output: Path) -> bool:
    return len(list((output / "parts").glob("part-*"))) > 2


def kill_all(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        pids = family(process.pid)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        process.wait()
        wait_until(partial(have_ended, pids), 60, "the end of all processes")


def test_rows_are_those_of_the_local_engine(tiny: Path, python: str, tmp_path: Path) -> None:
    photos = colour_folder(tmp_path / "photos")
    fatal = with_fatal_photos(tmp_path / "fatal") | {"VERGER_BULK_PHOTO_SECONDS": "10"}
    for name in ("killed for memory", "crashes", "takes for ever", "fault"):
        (photos / f"{name}.jpg").write_bytes(encoded(plain(RED)) + name.encode())
    (photos / "empty.jpg").touch()
    for engine in ("local", "ray"):
        options = ("photos", "--output", engine, "--model", tiny, "--engine", engine, "--format", "csv")
        status, _, notes = bulk(*options, cwd=tmp_path, python=python, **fatal)
        assert status == 0, notes
    assert content_of(tmp_path / "ray") == content_of(tmp_path / "local")


def test_actors_that_are_killed_are_replaced(
    tiny: Path, many: Path, undisturbed: dict[str, bytes], python: str, tmp_path: Path
) -> None:
    options = (many, "--output", "out", "--model", tiny, "--engine", "ray")
    with bulk_running(*options, cwd=tmp_path, python=python) as process:
        wait_until(lambda: begun(tmp_path / "out"), SECONDS, "parts")
        actors = [pid for pid in family(process.pid) if b"ray::MapWorker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(actors[0], signal.SIGKILL)
        assert process.wait(SECONDS) == 0
    assert content_of(tmp_path / "out") == undisturbed


def test_a_run_that_is_killed_goes_on_with_the_other_engine(
    tiny: Path, many: Path, undisturbed: dict[str, bytes], python: str, tmp_path: Path
) -> None:
    options = (many, "--output", "out", "--model", tiny)
    with bulk_running(*options, "--engine", "ray", cwd=tmp_path, python=python) as process:
        wait_until(lambda: begun(tmp_path / "out"), SECONDS, "parts")
        kill_all(process)
    status, _, notes = bulk(*options, cwd=tmp_path, python=python)
    assert (status, "are classified already" in notes) == (0, True)
    assert content_of(tmp_path / "out") == undisturbed
