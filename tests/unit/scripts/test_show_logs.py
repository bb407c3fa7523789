"""Logs in a form for people, while they are written."""

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from scripts.show_logs import Follower, for_people
from tests.support.repository import ROOT

LINE = (
    '{"event": "request", "level": "info", "timestamp": "2026-11-27T12:00:00Z", "service": "web", "status": 200, '
    '"exception": [{"exc_type": "ValueError", "exc_value": "bad"}]}\n'
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "web.log"
    path.write_text("old\n")
    return path


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_a_line_of_a_service_is_shown_without_its_json() -> None:
    shown = for_people(LINE)
    assert all(part in shown for part in ("12:00:00", "request", "status=200", "ValueError: bad"))
    assert "{" not in shown


@pytest.mark.parametrize("line", ["Uvicorn \x1b[31mrunning\n", "Uvicorn \x07[31mrunning", "Uvicorn \x85[31mrunning\n"])
def test_a_line_of_another_program_can_not_control_the_terminal(line: str) -> None:
    assert for_people(line) == "Uvicorn  [31mrunning"


@pytest.mark.parametrize("line", ["[1]\n", '{"other": 1}\n', '"text"\n'])
def test_other_json_is_shown_as_it_is(line: str) -> None:
    assert for_people(line) == line.rstrip()


def test_a_file_is_followed_from_its_end_and_a_new_one_from_its_start(log: Path) -> None:
    with closing(Follower(log, from_end=False)) as whole, closing(Follower(log, from_end=True)) as rest:
        append(log, "new\n")
        assert whole.lines() == ["old\n", "new\n"]
        assert rest.lines() == ["new\n"]
        assert rest.lines() == []


def test_a_line_is_read_when_it_is_whole(log: Path) -> None:
    with closing(Follower(log, from_end=True)) as follower:
        append(log, "fi")
        assert follower.lines() == []
        append(log, "rst\nsecond")
        assert follower.lines() == ["first\n"]


def test_a_renamed_file_is_read_to_its_end_and_then_its_successor(log: Path) -> None:
    with closing(Follower(log, from_end=True)) as follower:
        append(log, "last\n")
        log.rename(log.with_name("web.log.1"))
        assert follower.lines() == ["last\n"]
        append(log, "new\n")
        assert follower.lines() == ["new\n"]


def test_ctrl_c_ends_it_without_a_traceback(log: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "show_logs.py"), str(log.parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("What is written into")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0
