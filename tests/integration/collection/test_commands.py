"""The commands import, export and dataset, with a running collection."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from dataset_client import client as client_module
from dataset_client import fetching
from dataset_client.errors import CollectionAway
from dataset_client.settings import DatasetClientSettings
from services.access.database import open_database
from services.access.keys import Scope
from services.access.store import KeyStore
from services.collection.commands import importing
from services.collection.commands.app import main
from services.collection.commands.layouts import find_items
from services.collection.commands.sources import opened
from services.common.process.settings import ServiceSettings
from tests.support.pictures.photos import encoded
from tests.support.servers.collection_server import FRUITS, Collection, a, answer, running_collection
from tests.support.trainer.shapes import LABELS, shape, write_parts

TRAIN, TEST = 6, 3

ON_SQLITE = pytest.mark.parametrize("address", ["sqlite"], indirect=True)
"""For what does not depend on the database."""


class Command(NamedTuple):
    """Runs the command line in this process; what it printed."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, collection: Collection, *arguments: object, status: int = 0, key: str = "") -> str:
        self.monkeypatch.setenv("VERGER_COLLECTION_TARGET", f"127.0.0.1:{collection.port}")
        self.monkeypatch.setenv("VERGER_KEY", key)
        done = main(list(map(str, arguments)))
        printed = self.capsys.readouterr()
        assert done == status, printed.out + printed.err
        return " ".join((printed.out + printed.err).split())


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


@contextmanager
def another(folder: Path) -> Iterator[Collection]:
    with running_collection(folder / "photos", f"sqlite:///{folder / 'collection.db'}") as running:
        yield running


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The Kaggle layout, with negatives beside it."""
    folder = write_parts(tmp_path / "shapes", TRAIN, TEST)
    for side in ("train", "test"):
        (folder / "negatives").mkdir(exist_ok=True)
        shutil.move(folder / side / LABELS[0], folder / "negatives" / side)
    return folder


def test_a_folder_is_imported_once_and_becomes_a_version(collection: Collection, command: Command, data: Path) -> None:
    said = command(collection, "import", data)
    assert said == f"{3 * (TRAIN + TEST)} photos are new in the collection of {FRUITS}, 0 were there already."
    said = command(collection, "import", data)
    assert said == f"0 photos are new in the collection of {FRUITS}, {3 * (TRAIN + TEST)} were there already."
    made = command(collection, "dataset", "make")
    assert made.startswith(f"collection:{FRUITS}@1 ")
    counts = (
        f"2 classes, {3 * TRAIN} photos to learn from, {3 * TEST} to test on, {TRAIN + TEST} of none of the classes"
    )
    assert counts in made
    assert "no other was made" in command(collection, "dataset", "make")
    assert command(collection, "dataset", "list") == made
    assert "There is no version" in command(collection, "dataset", "list", "--classifier", "flowers")


@ON_SQLITE
@pytest.mark.parametrize("form", ["folders", "huggingface", "labelstudio"])
def test_what_is_exported_and_imported_has_the_same_digest(
    collection: Collection, command: Command, data: Path, tmp_path: Path, form: str
) -> None:
    command(collection, "import", data)
    field = collection.add(encoded(shape(LABELS[1], 900)), classification=answer("cherry", "3")).photo_id
    collection.label("field", {field: 0}, a(LABELS[1]))
    digest = collection.make().dataset.digest
    out = tmp_path / "out"
    said = command(collection, "export", f"{FRUITS}@latest", out, "--format", form)
    assert f"{3 * (TRAIN + TEST) + 1} photos of collection:{FRUITS}@1." in said
    shutil.make_archive(str(tmp_path / "out"), "zip", out)
    for source in (out, tmp_path / "out.zip"):
        with another(tmp_path / f"new {source.name}") as copy:
            command(copy, "import", source)
            assert copy.make().dataset.digest == digest
    if form == "labelstudio":
        predictions = [task["predictions"] for task in json.loads((out / "tasks.json").read_text())]
        ((known,),) = [each for each in predictions if each]
        assert (known["model_version"], known["score"]) == (f"{FRUITS}/3", 0.75)
        assert known["result"][0]["value"] == {"choices": ["cherry"]}


@ON_SQLITE
def test_an_export_that_broke_off_goes_on_and_no_other_folder_is_touched(
    collection: Collection, command: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command(collection, "import", data)
    command(collection, "dataset", "make")
    out = tmp_path / "out"
    whole = {photo.photo.photo_id for photo in collection.members(1)}
    write, written = fetching.write_whole, []

    def broken(path: Path, content: bytes) -> None:
        if len(written) == 5:
            raise OSError(28, "No space left on device", str(path))
        written.append(path)
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(fetching, "write_whole", broken)
        said = command(collection, "export", f"{FRUITS}@1", out, status=1)
    assert "EXPORT_FAILED" in said
    assert "No space left" in said
    asked: list[str] = []
    fetch = client_module.DatasetClient.fetch
    monkeypatch.setattr(
        client_module.DatasetClient, "fetch", lambda self, photos: asked.extend(photos) or fetch(self, photos)
    )
    command(collection, "export", f"{FRUITS}@1", out)
    assert len(asked) == len(whole) - 5
    assert len(list(out.rglob("*.jpg"))) == len(whole)
    assert not list(out.rglob(".*.jpg.*"))
    assert "EXPORT_FOLDER_TAKEN" in command(
        collection, "export", f"{FRUITS}@1", out, "--format", "huggingface", status=2
    )


@ON_SQLITE
def test_photos_that_can_not_be_kept_are_named_and_the_others_are_kept(
    collection: Collection, command: Command, data: Path
) -> None:
    broken = data / "train" / LABELS[1] / "broken.jpg"
    broken.write_bytes(encoded(shape(LABELS[1], 901))[:200])
    (data / "test" / LABELS[2] / "notes.txt").write_text("no picture")
    said = command(collection, "import", data, status=1)
    assert f"{3 * (TRAIN + TEST)} photos are new" in said
    assert "2 can't be kept, and nothing of them is:" in said
    assert f"train/{LABELS[1]}/broken.jpg: IMAGE_TRUNCATED" in said
    assert f"test/{LABELS[2]}/notes.txt: IMAGE_FORMAT_UNSUPPORTED" in said
    assert len(collection.ids(source=4)) == 3 * (TRAIN + TEST) == len(collection.files()) // 2


@ON_SQLITE
def test_what_a_reviewer_has_decided_stays(collection: Collection, command: Command, data: Path) -> None:
    image = (data / "train" / LABELS[1] / "0.png").read_bytes()
    collection.labelled(a("mango"), image)
    said = command(collection, "import", data)
    assert "1 were there with another label, which they keep." in said
    assert len(collection.ids(label=a("mango"))) == 1


@ON_SQLITE
def test_nothing_is_sent_of_an_archive_with_a_wrong_path(
    collection: Collection, command: Command, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("kiwi/1.png", encoded(shape(LABELS[0], 1)))
        archive.writestr("../kiwi/2.png", encoded(shape(LABELS[0], 2)))
    assert "IMPORT_PATH_INVALID" in command(collection, "import", tmp_path / "set.zip", status=2)
    assert collection.ids() == []


@ON_SQLITE
def test_an_import_goes_on_when_the_connection_breaks(
    collection: Collection, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, breaks = client_module.DatasetClient.import_photos, iter([3, 7])

    def breaking(self: client_module.DatasetClient, requests: object) -> Iterator[object]:
        limit = next(breaks, None)
        for number, response in enumerate(send(self, requests)):  # type: ignore[arg-type]
            if number == limit:
                raise CollectionAway("UNAVAILABLE", "COLLECTION_UNAVAILABLE", "It went away.")
            yield response

    monkeypatch.setattr(client_module.DatasetClient, "import_photos", breaking)
    monkeypatch.setattr(importing.time, "sleep", lambda _: None)
    settings = DatasetClientSettings(collection_target=f"127.0.0.1:{collection.port}")
    with opened(data) as source, client_module.connected(settings) as client:
        items = find_items(source).items
        sender = importing.Sender(source, items, FRUITS, "anna", ServiceSettings().max_image_bytes)
        imported = sender.send(client, lambda done, total: None)
    assert not imported.refusals
    assert sum(imported.counts.values()) == len(items) == len(collection.ids(page_size=500))


@ON_SQLITE
def test_an_import_that_is_stopped_goes_on_at_the_next_time(
    collection: Collection, command: Command, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C after some answers."""
    seen: list[object] = []

    def stop(self: importing.Sender, response: object) -> None:
        seen.append(response)
        if len(seen) == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(importing.Sender, "_note", stop)
        said = command(collection, "import", data, status=130)
    assert "goes on where this one stopped" in said
    assert f"{3 * (TRAIN + TEST)} photos" not in command(collection, "import", data)
    assert len(collection.ids(page_size=500)) == 3 * (TRAIN + TEST)


def test_the_command_needs_no_server_and_says_where_it_looked(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.collection", "dataset", "list"],
        env={"PATH": "", "VERGER_COLLECTION_TARGET": "127.0.0.1:1", "PYTHONPATH": ":".join(sys.path)},
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "COLLECTION_UNAVAILABLE The collection at 127.0.0.1:1 does not answer" in done.stderr


@ON_SQLITE
def test_bytes_that_are_not_those_of_the_photo_are_no_photo(
    collection: Collection, command: Command, tmp_path: Path
) -> None:
    photo = collection.labelled(a("kiwi"), encoded(shape(LABELS[1], 1)))
    digest = collection.photo(photo).photo.digest
    collection.make()
    (collection.folder / "images" / digest[:2] / f"{digest}.jpg").write_bytes(encoded(shape(LABELS[1], 2)))
    said = command(collection, "export", f"{FRUITS}@1", tmp_path / "out", status=1)
    assert "DATASET_CORRUPT" in said
    assert not list((tmp_path / "out").rglob("*.jpg"))


def test_where_keys_are_asked_for_one_with_the_scope_is_needed(command: Command, data: Path, tmp_path: Path) -> None:
    keys, database = f"sqlite:///{tmp_path / 'access.db'}", f"sqlite:///{tmp_path / 'collection.db'}"
    store = KeyStore(open_database(keys))
    reviewer, trainer = (
        store.make(scope, "anna", frozenset([scope]), None).text for scope in (Scope.REVIEW, Scope.TRAIN)
    )
    with running_collection(tmp_path / "photos", database, access="keys", access_database_url=keys) as guarded:
        assert "KEY_MISSING" in command(guarded, "dataset", "make", status=2)
        assert "SCOPE_MISSING" in command(guarded, "import", data, status=2, key=trainer)
        command(guarded, "import", data, key=reviewer)
        assert " anna " in command(guarded, "dataset", "make", key=reviewer)
        assert "SCOPE_MISSING" in command(guarded, "export", f"{FRUITS}@1", tmp_path / "out", status=2, key=reviewer)
        command(guarded, "export", f"{FRUITS}@1", tmp_path / "out", key=trainer)
    store.close()
