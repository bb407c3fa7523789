"""Training in the running system, while people use it."""

from pathlib import Path

import pytest

from tests.support.pictures.fruits import copy_few_fruits
from tests.support.systems.launched import Launched
from tests.support.systems.uploads import Uploads
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def few_fruits(photo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_few_fruits(photo_data, tmp_path_factory.mktemp("few") / "fruits", train=12, test=3)


def test_no_upload_fails_while_a_new_version_goes_live_and_is_rolled_back(verger: Launched, few_fruits: Path) -> None:
    verger.wait_ready()
    before = verger.version()
    with Uploads(verger) as uploads:
        trained = verger.launch("--train", str(few_fruits))
        assert trained.returncode == 0, trained.stdout + trained.stderr
        new = str(int(before) + 1)
        promoted = verger.trainer("promote", new)
        assert promoted.returncode == 0, promoted.stdout + promoted.stderr
        wait_until(lambda: verger.version() == new, 10, "the new version going live")
        back = verger.trainer("rollback")
        assert back.returncode == 0, back.stdout + back.stderr
        wait_until(lambda: verger.version() == before, 10, "the old version being back")
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
