"""Fixtures for all tests."""

import os
import signal
from pathlib import Path
from types import FrameType

import pytest

from services.common.process.logging import configure_logging
from services.common.process.settings import ServiceSettings
from tests.support.workers import Ending, Suites

ROOT = Path(__file__).parent.parent

for name in set(os.environ) - {"VERGER_DATA"}:  # what the tester has set for a system of theirs is not what is tested
    if name.startswith("VERGER_"):
        del os.environ[name]


def interrupt(number: int, frame: FrameType | None) -> None:
    """To a worker one Ctrl-C may come twice; the second must not end the stopping of what its tests have started."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


signal.signal(signal.SIGINT, interrupt)  # tests may run in the background, where programs ignore it

configure_logging("tests", ServiceSettings(log_format="console"))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Ending())


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Suites:
    return Suites(config, log)


@pytest.fixture(scope="session")
def photo_data() -> Path:
    """Real photographs: the folder with fruits/, negatives/, odd/ and predict/ that VERGER_DATA names."""
    folder = Path(os.environ.get("VERGER_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "odd" / "INDEX.csv").is_file():
        pytest.skip("no real photographs: set VERGER_DATA to a folder with fruits/, negatives/, odd/ and predict/")
    return folder
