"""Several processes share the tests (pytest-xdist): which tests stay together, and how the processes end."""

import contextlib
import os
import signal
from pathlib import PurePath

import pytest
from execnet import Channel
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

BROWSER = "tests/page"
CONTAINERS = "tests/compose"
TOGETHER = (CONTAINERS, "tests/e2e", "tests/terraform", "tests/unit/trainer")
"""Folders whose tests share something that is slow to start; of others, the tests of a file do."""


class Suites(LoadScopeScheduling):
    """Deals out suites, in the order in which the command line names them."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePath(nodeid.partition("::")[0])
        if file.is_relative_to(BROWSER):  # Chromium breaks off what it loads when a container's network comes or goes
            return CONTAINERS
        return next((folder for folder in TOGETHER if file.is_relative_to(folder)), str(file))


class Ending:
    """Ends when all workers have: xdist leaves them seconds, and kills who has a whole system to stop."""

    def __init__(self) -> None:
        self._workers: list[WorkerController] = []

    def pytest_testnodeready(self, node: WorkerController) -> None:
        self._workers.append(node)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        for worker in self._workers:
            if exitstatus == pytest.ExitCode.INTERRUPTED:
                with contextlib.suppress(ProcessLookupError):  # a terminal has told it, too
                    os.kill(worker.gateway._rinfo().pid, signal.SIGINT)
        for worker in self._workers:
            with contextlib.suppress(EOFError, Channel.RemoteError):
                worker.channel.waitclose()
