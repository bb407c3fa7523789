"""A crew of one process: it learns of everything while its process is still at its first shard."""

from pathlib import Path

import pytest
from verger.v1 import model_pb2

from bulk.engines.crew import Crew
from bulk.engines.worker import Setup
from engine.errors import VergerError
from engine.photo.opening import Limits
from tests.support.bulk.fatal import with_fatal_photos
from tests.support.bulk.photos import colour_folder
from tests.support.pictures.photos import RED, encoded, plain
from tests.support.tiny_model import tiny_version


def crew(version: Path, photo_seconds: float = 60) -> Crew:
    ref = model_pb2.ModelRef(name="tiny", version="1").SerializeToString()
    return Crew(Setup(ref, str(version), Limits(), 2), 1, photo_seconds)


def test_the_first_photo_of_a_new_process_has_a_time_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in with_fatal_photos(tmp_path / "fatal").items():
        monkeypatch.setenv(name, value)
    photo = tmp_path / "photo"
    photo.write_bytes(encoded(plain(RED)) + b"takes for ever")
    with crew(tiny_version(tmp_path / "tiny"), photo_seconds=2) as one:
        ((number, rows),) = one.run([(7, [bytes(photo)])], lambda _done, _failed: None)
    assert (number, rows["error"].to_pylist()) == (7, ["IMAGE_TOO_COMPLEX"])


def test_progress_only_grows_and_ends_with_all_photos_and_errors(tmp_path: Path) -> None:
    photos = [bytes(path) for path in sorted(colour_folder(tmp_path / "photos").rglob("*.*"))]
    told = []
    with crew(tiny_version(tmp_path / "tiny")) as one:
        shards = [(0, [*photos, b"/missing"]), (1, photos * 200)]
        rows = dict(one.run(shards, lambda done, failed: told.append((done, failed))))
    assert {number: len(table) for number, table in rows.items()} == {0: 4, 1: 600}
    assert told == sorted(told)
    assert told[-1] == (604, 1)


def test_a_version_that_can_not_be_loaded_is_refused_with_its_reason(tmp_path: Path) -> None:
    version = tiny_version(tmp_path / "tiny")
    (version / "model.onnx").write_bytes(b"cut off")
    with crew(version) as one, pytest.raises(VergerError) as raised:
        list(one.run([(0, [b"/missing"])], lambda _done, _failed: None))
    assert raised.value.reason == "MODEL_CORRUPT"
