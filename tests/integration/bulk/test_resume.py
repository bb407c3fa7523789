"""Runs that are interrupted, and processes that die."""

import hashlib
import json
import os
import random
import shutil
import signal
import time
from functools import partial
from pathlib import Path

from bulk.output.folder import opened
from tests.support.bulk.command import bulk, bulk_running, content_of, have_ended, rows_of
from tests.support.bulk.fatal import with_fatal_photos
from tests.support.bulk.photos import colour_folder, many_photos
from tests.support.pictures.photos import BLUE, RED, encoded, plain
from tests.support.systems.processes import family
from tests.support.tiny_model import tiny_version
from tests.support.waiting import wait_until

PHOTOS = 400
KILLS = int(os.environ.get("BULK_KILLS", "3"))
"""The nightly command asks for more."""


def test_a_run_that_is_killed_at_any_moment_and_started_again_gives_the_same_bytes(tiny: Path, tmp_path: Path) -> None:
    many_photos(tmp_path / "photos", PHOTOS)
    options = ("photos", "--model", tiny, "--format", "csv", "--output")
    begun = time.monotonic()
    assert bulk(*options, "whole", cwd=tmp_path)[0] == 0
    seconds = time.monotonic() - begun
    moments = random.Random()
    for _ in range(KILLS):
        with bulk_running(*options, "killed", cwd=tmp_path) as process:
            time.sleep(moments.uniform(0, seconds))
            processes = family(process.pid)
            process.send_signal(signal.SIGKILL)
            process.wait()
        wait_until(partial(have_ended, processes), 120, "the end of all processes")
        if (tmp_path / "killed" / "results.csv").exists():
            shutil.rmtree(tmp_path / "killed")  # it was done before; the next one begins anew
    assert bulk(*options, "killed", cwd=tmp_path)[0] == 0
    assert content_of(tmp_path / "killed") == content_of(tmp_path / "whole")
    assert len(rows_of(tmp_path / "whole")) == PHOTOS


def test_ctrl_c_ends_all_processes_and_says_how_to_go_on(tiny: Path, tmp_path: Path) -> None:
    many_photos(tmp_path / "photos", PHOTOS)
    options = ("photos", "--model", tiny, "--output", "out")
    with bulk_running(*options, cwd=tmp_path) as process:
        wait_until(lambda: any((tmp_path / "out" / "parts").glob("*.parquet")), 120, "a part")
        processes = family(process.pid)
        process.send_signal(signal.SIGINT)
        _, notes = process.communicate()
    assert process.returncode == 130
    assert b"Stopped. The same command goes on where it was." in notes
    assert len(processes) > 1
    assert have_ended(processes)
    status, _, notes_again = bulk(*options, cwd=tmp_path)
    assert status == 0
    assert f"of {PHOTOS} photos are classified already." in notes_again


def test_a_worker_that_is_killed_is_replaced_and_no_row_is_missing(tiny: Path, tmp_path: Path) -> None:
    many_photos(tmp_path / "photos", PHOTOS)
    options = ("photos", "--model", tiny, "--output")
    with bulk_running(*options, "out", cwd=tmp_path) as process:
        wait_until(lambda: any((tmp_path / "out" / "parts").glob("*.parquet")), 120, "a part")
        _, *workers = family(process.pid)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        assert process.wait(240) == 0
    assert workers
    assert bulk(*options, "undisturbed", cwd=tmp_path)[0] == 0
    assert content_of(tmp_path / "out") == content_of(tmp_path / "undisturbed")


def test_a_photo_that_kills_each_process_gets_an_error_and_the_others_their_answers(tiny: Path, tmp_path: Path) -> None:
    fatal = with_fatal_photos(tmp_path / "fatal") | {"VERGER_BULK_PHOTO_SECONDS": "5"}
    (tmp_path / "photos").mkdir()
    for name in ("a", "killed for memory", "crashes", "takes for ever", "fault", "once", "z"):
        (tmp_path / "photos" / f"{name}.jpg").write_bytes(encoded(plain(RED)) + name.encode())
    status, _, notes = bulk("photos", "--output", "out", "--model", tiny, cwd=tmp_path, **fatal)
    assert status == 0, notes
    rows = {Path(row["path"]).stem: row for row in rows_of(tmp_path / "out")}
    assert {name: row["error"] for name, row in rows.items()} == {
        "a": None,
        "killed for memory": "IMAGE_TOO_COMPLEX",
        "crashes": "IMAGE_CORRUPT",
        "takes for ever": "IMAGE_TOO_COMPLEX",
        "fault": "INTERNAL",
        "once": None,
        "z": None,
    }
    assert "longer than 5 s" in rows["takes for ever"]["message"]


def test_processes_that_always_die_end_the_run_with_a_reason(tiny: Path, tmp_path: Path) -> None:
    colour_folder(tmp_path / "photos")
    (tmp_path / "dying").mkdir()
    (tmp_path / "dying" / "sitecustomize.py").write_text(
        "import os, sys\nif 'bulk.engines.worker' in sys.orig_argv: os.kill(os.getpid(), 9)\n"
    )
    settings = {"PYTHONPATH": str(tmp_path / "dying")}
    status, _, notes = bulk("photos", "--output", "out", "--model", tiny, cwd=tmp_path, **settings)
    assert (status, notes.partition(" ")[0]) == (1, "WORKERS_DIE")
    assert "VERGER_BULK_WORKERS" in notes


def test_a_damaged_part_is_made_again(tiny: Path, tmp_path: Path) -> None:
    colour_folder(tmp_path / "photos")
    options = ("photos", "--output", "out", "--model", tiny)
    assert bulk(*options, cwd=tmp_path)[0] == 0
    before = content_of(tmp_path / "out")
    (tmp_path / "out/parts/part-00001.parquet").write_bytes(b"PAR1")
    assert bulk(*options, cwd=tmp_path)[0] == 0
    assert content_of(tmp_path / "out") == before


def test_another_run_is_kept_out_of_a_folder(tiny: Path, tmp_path: Path) -> None:
    colour_folder(tmp_path / "photos")
    other = tiny_version(tmp_path / "other", gain=9)
    assert bulk("photos", "--output", "out", "--model", tiny, cwd=tmp_path)[0] == 0
    before = content_of(tmp_path / "out")
    for arguments, sentence in (
        (("photos", "--model", other), "and --model names other (contract "),
        (("photos", "--model", tiny, "--top-k", "2"), "was begun with top_k 3, not 2. "),
        (("photos/a", "--model", tiny), "was begun with source "),
    ):
        status, _, notes = bulk(*arguments, "--output", "out", cwd=tmp_path)
        assert (status, notes.partition(" ")[0]) == (2, "OUTPUT_OF_ANOTHER_RUN")
        assert sentence in notes
    assert content_of(tmp_path / "out") == before


def test_two_runs_do_not_write_into_one_folder(tiny: Path, tmp_path: Path) -> None:
    colour_folder(tmp_path / "photos")
    with opened(tmp_path / "out"):
        status, _, notes = bulk("photos", "--model", tiny, "--output", "out", cwd=tmp_path)
    assert (status, notes.partition(" ")[0]) == (2, "OUTPUT_IN_USE")


def test_a_folder_with_other_files_is_left_alone(tiny: Path, tmp_path: Path) -> None:
    colour_folder(tmp_path / "photos")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "diary.txt").write_text("mine")
    status, _, notes = bulk("photos", "--output", "out", "--model", tiny, cwd=tmp_path)
    assert (status, notes.partition(" ")[0]) == (2, "OUTPUT_NOT_EMPTY")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["diary.txt"]


def test_the_manifest_names_the_source_the_model_and_the_contract(tiny: Path, tmp_path: Path) -> None:
    photos = colour_folder(tmp_path / "photos")
    (tmp_path / "blue.jpg").write_bytes(encoded(plain(BLUE)))
    assert bulk("photos", "--output", "out", "--model", tiny, cwd=tmp_path)[0] == 0
    manifest = json.loads((tmp_path / "out" / "run.json").read_text())
    digest = hashlib.sha256((tiny / "contract.json").read_bytes()).hexdigest()
    assert manifest["source"] == str(photos)
    assert (manifest["model"], manifest["version"], manifest["contract_digest"]) == ("tiny", "", digest)
