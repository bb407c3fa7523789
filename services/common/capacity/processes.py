"""Runs work on pictures in processes of limited time and memory, which are killed when they exceed one.

A worker imports the module of its work and no more.
"""

import asyncio
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from pebble import ProcessExpired, ProcessPool

from engine.errors import ImageCorrupt, ImageTooComplex, InvalidArgument
from services.common.errors import OutOfMemory

SPARE_BYTES = 64 * 2**20
"""Memory that work may take beyond its estimate before the process is refused more."""

NICENESS = 5
"""Light photos come first: everybody waits for those, and one client for this one."""

T = TypeVar("T")
P = ParamSpec("P")


class LimitedProcesses:
    """Worker processes, which start with the first piece of work."""

    def __init__(self, workers: int, max_seconds: float, preload: str) -> None:
        """Creates the pool.

        Args:
            workers: number of processes.
            max_seconds: time limit of one piece of work.
            preload: name of the module that the work is in.
        """
        self._max_seconds = max_seconds
        # A process that is forked off a server with threads may inherit a lock that nobody releases.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([preload])
        self._processes = ProcessPool(max_workers=workers, initializer=_start_worker, context=context)

    async def run(self, work: Callable[P, T | InvalidArgument], *arguments: P.args, **_: P.kwargs) -> T:
        """Returns what `work` returns for a picture, or raises the error that it returns.

        Raises:
            ImageTooComplex: it took longer than the limit.
            ImageCorrupt: the process crashed.
            OutOfMemory: the kernel killed the process.
        """
        working = self._processes.schedule(work, args=list(arguments), timeout=self._max_seconds)
        try:
            answer = await asyncio.wrap_future(working)
        except TimeoutError:
            raise ImageTooComplex(
                f"Decoding the picture takes longer than {self._max_seconds:g} s. Save it again and send the copy."
            ) from None
        except ProcessExpired as error:
            if error.exitcode == -signal.SIGKILL:  # nobody but the kernel kills a worker, and only for memory
                raise OutOfMemory from error
            raise ImageCorrupt("The picture is damaged and can't be decoded. Save it again, send the copy.") from error
        if isinstance(answer, InvalidArgument):
            raise answer
        return answer

    def close(self) -> None:
        """Ends all processes, whatever they do."""
        self._processes.stop()
        self._processes.join()


def _start_worker() -> None:
    """Prepares a new worker process. Ctrl-C reaches it, too, but its parent decides when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)


def limit_memory(further_bytes: int) -> None:
    """Limits the address space of a worker to what it has and so much more, beside SPARE_BYTES."""
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else None
    if pages is not None:  # elsewhere than on Linux the estimate alone has to do
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = pages * resource.getpagesize() + further_bytes + SPARE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
