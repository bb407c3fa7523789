"""Downloads from a stand-in for Kaggle, whose archive has the irregularities of the original."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from kagglesdk import kaggle_env

from tests.support.trainer.shapes import shape
from tests.support.trainer.training import load
from trainer.data.fetch import fetch_dataset
from trainer.errors import DatasetInvalid, DownloadFailed


def original_archive(more: Mapping[str, tuple[str, int, int]] | None = None) -> bytes:
    """Returns an archive like the original: capitals only in train, typos, PNG and GIF as .jpeg, flat predict."""
    folders = {
        "train/Apple": ("red_circle", 100, 6),
        "train/pinenapple": ("green_square", 200, 6),
        "train/strawberries": ("blue_bar", 300, 6),
        "test/apple": ("red_circle", 400, 2),
        "test/pinenapple": ("green_square", 500, 2),
        "test/stawberries": ("blue_bar", 600, 2),
        "predict": ("red_circle", 700, 2),
        **(more or {}),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for folder, (label, first, count) in folders.items():
            for number in range(count):
                content = io.BytesIO()
                shape(label, first + number).convert("P" if number == 1 else "RGB").save(
                    content, ("JPEG", "GIF", "PNG")[number % 3]
                )
                archive.writestr(f"MY_data/{folder}/img_{number}.jpeg", content.getvalue())
    return buffer.getvalue()


@contextmanager
def kaggle(archive: bytes | None) -> Iterator[str]:
    """Answers the two requests of kagglehub, or refuses them without an archive."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if archive is None:
                self.send_error(403)
            elif self.path.endswith("/DownloadDataset"):
                self._answer(archive, "application/zip")
            else:
                self._answer(json.dumps({"currentVersionNumber": 1}).encode(), "application/json")

        def _answer(self, content: bytes, content_type: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()  # a thread that polls a closed socket would occupy a core


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")


def fetch_from(archive: bytes | None, destination: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with kaggle(archive) as url:
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.TEST, url)
        return fetch_dataset(destination)


def test_the_data_set_is_complete_and_has_normalised_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fetch_from(original_archive(), tmp_path / "fruits", monkeypatch)
    folders = sorted(path.relative_to(root).as_posix() for path in root.glob("*/*"))
    labels = ["apple", "pineapple", "strawberry"]
    assert folders == [f"{part}/{label}" for part in ("test", "train") for label in labels]
    dataset = load(root)
    assert list(dataset.labels) == labels
    assert (len(dataset.train) + len(dataset.validation), len(dataset.test)) == (18, 6)
    assert dataset.unreadable == []


def test_two_spellings_of_a_class_in_one_part_keep_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = original_archive({"train/apple": ("red_circle", 800, 2)})
    root = fetch_from(archive, tmp_path / "fruits", monkeypatch)
    assert len(list((root / "train" / "apple").iterdir())) == 8


def test_a_folder_that_is_not_empty_is_left_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fruits").mkdir()
    (tmp_path / "fruits" / "mine.txt").write_text("mine")
    with pytest.raises(DatasetInvalid, match="is not empty"):
        fetch_from(original_archive(), tmp_path / "fruits", monkeypatch)
    assert [path.name for path in (tmp_path / "fruits").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("archive", [None, b"not an archive"])
def test_a_refused_download_or_a_broken_archive_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archive: bytes | None
) -> None:
    with pytest.raises(DownloadFailed, match=r"can't be downloaded from Kaggle.*download it by hand"):
        fetch_from(archive, tmp_path / "fruits", monkeypatch)
    assert not (tmp_path / "fruits").exists()
