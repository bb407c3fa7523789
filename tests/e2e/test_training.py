"""Training in the running system, while people use it."""

import json
import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.pictures.fruits import copy_few_fruits
from tests.support.systems.launched import Launched
from tests.support.systems.uploads import Uploads
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def few_fruits(photo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lacks one of the classes, so that no version of them takes the place of the champion by itself."""
    folder = copy_few_fruits(photo_data, tmp_path_factory.mktemp("few") / "fruits", train=12, test=3)
    for part in ("train", "test"):
        shutil.rmtree(folder / part / "cherry")
    return folder


def audited(verger: Launched, who: str) -> set[tuple[str, str]]:
    """What somebody has done, and the versions it was done to, as the audit has it."""
    entries = map(json.loads, verger.launch("--access", "log", "--json").stdout.splitlines())
    own = (entry for entry in entries if entry["who"] == who and entry["result"] == "done")
    return {(entry["action"], entry["subject"].rpartition("version ")[2]) for entry in own}


def test_no_upload_fails_while_a_new_version_goes_live_by_the_printed_command_and_is_rolled_back(
    verger: Launched, few_fruits: Path, tmp_path: Path
) -> None:
    verger.wait_ready()
    before = verger.version()
    with Uploads(verger) as uploads:
        trained = verger.launch("--train", str(few_fruits), cwd=tmp_path)
        assert trained.returncode == 0, trained.stdout + trained.stderr
        assert f"Registry: fruit-classifier in MLflow at {verger.mlflow}" in trained.stderr
        (new,) = re.findall(r"Version (\d+) is challenger\.", trained.stdout)
        listed = verger.trainer("list")
        assert re.match(
            rf"version {new}  challenger .*\n    accuracy .*\n    .* knows other classes\.\n", listed.stdout
        )
        (command,) = re.findall(r"To make it champion anyway: (.*)", trained.stdout)
        promoted = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=verger.environment, capture_output=True, text=True, timeout=120
        )
        assert promoted.returncode == 0, promoted.stdout + promoted.stderr
        wait_until(lambda: verger.version() == new, 60, "the new version going live")
        back = verger.trainer("rollback")
        assert back.returncode == 0, back.stdout + back.stderr
        wait_until(lambda: verger.version() == before, 60, "the old version being back")
    me = pwd.getpwuid(os.getuid()).pw_name
    done = {("model trained", new), ("version promoted", new), ("version rolled back", before)}
    wait_until(lambda: done <= audited(verger, me), what="the audit of all three")
    assert audited(verger, "unknown") == set()
    assert uploads.lost == []
    assert {answer.status_code for answer in uploads.answers} == {200}
    assert {before, new} == {answer.json()["model"]["version"] for answer in uploads.answers}


def test_a_missing_folder_gives_an_error_message_without_traceback(verger: Launched) -> None:
    refused = verger.launch("--train", "/no/such/folder")
    assert refused.returncode == 2
    assert "/no/such/folder" in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr


def test_a_relative_folder_is_relative_to_the_directory_of_the_caller(verger: Launched, tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    refused = verger.launch("--train", "few", cwd=tmp_path)
    assert refused.returncode == 2
    assert "few holds no class folders" in refused.stdout + refused.stderr
