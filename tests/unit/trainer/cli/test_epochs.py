"""What a run prints about its progress."""

import re

import pytest

from trainer.cli import console
from trainer.cli.console import ConsoleProgress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds, as the console's clock shows them."""
    seconds = [100.0]
    monkeypatch.setattr(console, "monotonic", lambda: seconds[0])
    return seconds


def test_every_epoch_shows_the_time_left(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """The second epoch takes four times as long as the first one, as its views are larger."""
    with ConsoleProgress().epochs() as epochs:
        epochs.begin("all layers", 2, effort=500.0, done=0.0)
        clock[0] += 600
        epochs.advance(100)
        epochs.epoch_done({"loss": 1.25})
        clock[0] += 2400
        epochs.advance(400)
        epochs.epoch_done({"loss": 1})
    begun, first, second = (line.rstrip() for line in capsys.readouterr().err.splitlines() if line.strip())
    assert begun == "Training all layers ..."
    assert first == "all layers 1/2  loss 1.250  40 min left"
    assert second == "all layers 2/2  loss 1.000"


def test_without_a_terminal_every_wait_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    progress = ConsoleProgress()
    with progress.waiting("Exporting [x]"):
        pass
    with progress.counting("Testing"):
        pass
    with progress.epochs() as epochs:
        epochs.wait("Preparing the backbone")
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert lines == ["Exporting [x] ...", "Testing ...", "Preparing the backbone ..."]


def test_a_resumed_run_foretells_by_what_it_did_itself(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with ConsoleProgress().epochs() as epochs:
        epochs.begin("head", 10, effort=1000, done=800)
        epochs.epoch_done({"loss": 1})
        clock[0] += 10
        epochs.advance(100)
        epochs.epoch_done({"loss": 1})
    lines = capsys.readouterr().err
    assert re.findall(r"(\d+) s left", lines) == ["10"]
