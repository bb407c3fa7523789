"""How several processes (pytest-xdist) share the tests, and how these processes end."""

import contextlib
import os
import signal
from pathlib import PurePath

import pytest
from execnet import Channel
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

BROWSER_SUITE = "tests/page"
CONTAINER_SUITE = "tests/compose"
RECIPES = "tests/e2e/test_documents.py"
"""Takes as long as all other tests in its folder together."""
SUITES = (CONTAINER_SUITE, RECIPES, "tests/attacks", "tests/e2e", "tests/terraform", "tests/unit/trainer")
"""Tests that share a fixture that is slow to start. Each suite runs in one process. Elsewhere, each file does."""


class SuiteScheduling(LoadScopeScheduling):
    """Assigns whole suites to processes, in the order in which the command line names them."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePath(nodeid.partition("::")[0])
        # Chromium aborts requests when the network of a container appears or disappears: one process runs both suites.
        if file.is_relative_to(BROWSER_SUITE):
            return CONTAINER_SUITE
        return next((folder for folder in SUITES if file.is_relative_to(folder)), str(file))


class StopWorkers:
    """Waits at the end until every worker has ended.

    xdist kills workers after a few seconds, which is too soon for a worker that must stop a whole system.
    """

    def __init__(self) -> None:
        self._workers: list[WorkerController] = []

    def pytest_testnodeready(self, node: WorkerController) -> None:
        self._workers.append(node)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        for worker in self._workers:
            if exitstatus == pytest.ExitCode.INTERRUPTED:
                with contextlib.suppress(ProcessLookupError):  # a terminal has sent the signal to the worker as well
                    os.kill(worker.gateway._rinfo().pid, signal.SIGINT)
        for worker in self._workers:
            with contextlib.suppress(EOFError, Channel.RemoteError):
                worker.channel.waitclose()
