"""Fixtures and settings for all tests."""

import os
import signal
from pathlib import Path
from types import FrameType

import pytest

from services.common.process.logging import configure_logging
from services.common.process.settings import ServiceSettings
from tests.support.repository import ROOT
from tests.support.workers import StopWorkers, SuiteScheduling

# Settings that the tester has made for a system of their own must not change what is tested.
for name in set(os.environ) - {"VERGER_DATA"}:
    if name.startswith("VERGER_"):
        del os.environ[name]


# Tests use MLflow and ONNX Runtime in ways that the services don't. Nothing reports its use to anybody.
os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "ORT_DISABLE_TELEMETRY": "1"}


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raises KeyboardInterrupt once.

    A worker may receive one Ctrl-C twice. The second one must not interrupt the clean-up that the first one started.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


signal.signal(signal.SIGINT, interrupt)  # programs in the background ignore it by default, and tests may run there

configure_logging("tests", ServiceSettings(log_format="console"))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(StopWorkers())


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SuiteScheduling:
    return SuiteScheduling(config, log)


@pytest.fixture(scope="session")
def photo_data() -> Path:
    """Real photographs, which are not part of the repository.

    VERGER_DATA names their folder. It contains:

        fruits/train/<class>/, fruits/test/<class>/  the data set of the released model
        negatives/train/, negatives/test/            photos of none of these classes
        predict/, odd/                               photos that users tried, and awkward files; each has an INDEX.csv

    Without VERGER_DATA, the folder shared/data beside the repository is taken: the project's own CI keeps its photos
    and helper scripts (.ci/run) in shared/. You don't need either. Without photos, the tests that use this fixture are
    skipped; all other tests run.
    """
    folder = Path(os.environ.get("VERGER_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "odd" / "INDEX.csv").is_file():
        pytest.skip("no real photographs: VERGER_DATA names no folder with fruits/, negatives/, predict/ and odd/")
    return folder
