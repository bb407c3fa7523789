"""What the rows of a run say."""

import csv
import hashlib
import json
import os
import stat
from pathlib import Path

import pytest
from PIL import Image

from engine.classifier import load
from engine.contract import CONTRACT_FILE, file_digest
from tests.support.bulk.command import bulk, rows_of
from tests.support.bulk.photos import colour_folder
from tests.support.pictures.photos import RED, encoded, plain


def test_a_row_has_the_answer_the_digest_and_the_version(tiny: Path, tmp_path: Path) -> None:
    photos = colour_folder(tmp_path / "photos")
    status, said, notes = bulk("photos", "--output", "out", "--model", tiny, "--top-k", "2", cwd=tmp_path)
    assert status == 0, notes
    assert "3 RECOGNISED: " in said
    rows = rows_of(tmp_path / "out")
    assert [row["path"] for row in rows] == [str(photos / name) for name in ("a/red.jpg", "b/blue.jpg", "b/green.png")]
    assert [row["label"] for row in rows] == ["red", "blue", "green"]
    row, photo = rows[0], (photos / "a/red.jpg").read_bytes()
    expected = load(tiny).classify(photo, top_k=2)
    assert row["labels"] == [item.label for item in expected.predictions]
    assert row["probabilities"] == pytest.approx([item.probability for item in expected.predictions], abs=1e-6)
    assert row["scope_score"] == pytest.approx(expected.scope_score, abs=1e-6)
    assert (row["verdict"], row["error"], row["message"]) == ("RECOGNISED", None, None)
    assert (row["size"], row["sha256"]) == (len(photo), hashlib.sha256(photo).hexdigest())
    assert (row["model"], row["version"], row["contract_digest"]) == ("tiny", "", file_digest(tiny / CONTRACT_FILE))


def test_a_bad_file_is_a_row_with_a_reason_and_costs_nobody_else_a_row(tiny: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    whole = encoded(plain(RED, (400, 300)), "PNG")
    (photos / "good.png").write_bytes(whole)
    (photos / "cut.png").write_bytes(whole[:300])
    (photos / "empty.jpg").touch()
    (photos / "text.jpg").write_text("no picture")
    (photos / "large.jpg").write_bytes(bytes(5000))
    (photos / "wide.png").write_bytes(encoded(Image.new("1", (3000, 1000)), "PNG"))
    (photos / "leads nowhere.jpg").symlink_to("nothing")
    os.mkfifo(photos / "pipe.jpg")
    (photos / ".hidden.jpg").write_text("litter")
    (photos / "Thumbs.db").write_text("litter")
    listed = tmp_path / "list.txt"
    named = [
        *sorted(path.name for path in photos.iterdir() if not path.name.startswith((".", "Th"))),
        "missing.jpg",
        "",
    ]
    listed.write_text("\n".join([*(f"photos/{name}" for name in [*named, "missing.jpg", ""]), "/"]))
    limits = {"VERGER_MAX_IMAGE_BYTES": "4000", "VERGER_MAX_IMAGE_PIXELS": "2000000"}
    assert bulk("list.txt", "--output", "out", "--model", tiny, cwd=tmp_path, **limits)[0] == 0
    reasons = {os.path.basename(row["path"]): row["error"] for row in rows_of(tmp_path / "out")}
    assert reasons == {
        "good.png": None,
        "cut.png": "IMAGE_TRUNCATED",
        "empty.jpg": "IMAGE_EMPTY",
        "text.jpg": "IMAGE_FORMAT_UNSUPPORTED",
        "large.jpg": "IMAGE_TOO_LARGE",
        "wide.png": "IMAGE_TOO_MANY_PIXELS",
        "leads nowhere.jpg": "FILE_NOT_FOUND",
        "pipe.jpg": "FILE_UNREADABLE",
        "missing.jpg": "FILE_NOT_FOUND",
        "photos": "FILE_UNREADABLE",
        "": "FILE_UNREADABLE",
    }
    assert all(row["message"].endswith(".") for row in rows_of(tmp_path / "out") if row["error"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_row(tiny: Path, tmp_path: Path) -> None:
    photos = colour_folder(tmp_path / "photos")
    (photos / "a/red.jpg").chmod(stat.S_IWUSR)
    assert bulk("photos", "--output", "out", "--model", tiny, cwd=tmp_path)[0] == 0
    assert [row["error"] for row in rows_of(tmp_path / "out")] == ["FILE_UNREADABLE", None, None]


def test_csv_and_json_lines_say_what_the_parts_say(tiny: Path, tmp_path: Path) -> None:
    photos = colour_folder(tmp_path / "photos")
    (photos / 'a/a, "b"\n.jpg').write_text("no picture")
    (photos / "a" / os.fsdecode(b"not utf-8 \xff.jpg")).write_bytes(encoded(plain(RED)))
    for form in ("csv", "jsonl"):
        assert bulk("photos", "--output", "out", "--model", tiny, "--format", form, cwd=tmp_path)[0] == 0
    rows = rows_of(tmp_path / "out")
    assert rows[1]["path"] == f"{photos}/a/not utf-8 \\xff.jpg"
    assert [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text().splitlines()] == rows
    with (tmp_path / "out/results.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    for row, cells in zip(rows, table, strict=True):
        ranked = [*row["labels"], *[""] * 3][:3]
        assert [cells[f"label_{rank}"] for rank in (1, 2, 3)] == ranked
        assert [float(cells[f"probability_{rank}"] or -1) for rank in (1, 2, 3)] == [*row["probabilities"], -1, -1, -1][
            :3
        ]
        assert (cells["path"], cells["error"] or None) == (row["path"], row["error"])


def test_a_dry_run_counts_estimates_and_writes_nothing(tiny: Path, tmp_path: Path) -> None:
    photos = colour_folder(tmp_path / "photos")
    (photos / "text.jpg").write_text("no picture")
    status, said, _ = bulk("photos", "--output", "out", "--model", tiny, "--dry-run", cwd=tmp_path)
    assert status == 0
    assert "4 photos, about " in said
    assert "1 of these 4 would get IMAGE_FORMAT_UNSUPPORTED." in said
    assert not (tmp_path / "out").exists()
