"""Fixtures for all tests."""

import os
import signal
from pathlib import Path

import pytest

from services.common.logging import configure_logging
from services.common.settings import ServiceSettings

ROOT = Path(__file__).parent.parent

for name in set(os.environ) - {"VERGER_DATA"}:  # what the tester has set for a system of theirs is not what is tested
    if name.startswith("VERGER_"):
        del os.environ[name]

signal.signal(signal.SIGINT, signal.default_int_handler)  # tests may run in the background, where programs ignore it

configure_logging("tests", ServiceSettings(log_format="console"))


@pytest.fixture(scope="session")
def photo_data() -> Path:
    """Real photographs: the folder with fruits/, negatives/, odd/ and predict/ that VERGER_DATA names."""
    folder = Path(os.environ.get("VERGER_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "odd" / "INDEX.csv").is_file():
        pytest.skip("no real photographs: set VERGER_DATA to a folder with fruits/, negatives/, odd/ and predict/")
    return folder
