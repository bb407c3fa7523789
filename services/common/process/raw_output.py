"""Turns what is written to stdout and stderr past the logger into log lines.

C libraries such as libtiff and gRPC's core write there by themselves, and clients choose some of the text. As it is, it
could be endless, break the form of the log, and forge lines of it.
"""

import atexit
import contextvars
import os
import threading
import time

import structlog

log = structlog.get_logger(__name__)

MAX_TEXT_BYTES = 1000
"""Longest text in a line of the log. The rest of a longer one is left out."""

MAX_LINES_PER_SECOND = 20
"""Most lines of the log in a second. Further ones are counted, but left out."""

_CHUNK_BYTES = 65_536
LAST_LINES_SECONDS = 1.0
"""Wait for the last lines when the process ends. It is needed only if another process keeps the pipe open."""


def divert_raw_output(real: int) -> None:
    """Diverts stdout and stderr of this process, and of those that it starts, into a pipe that a thread reads.

    The logger must write elsewhere already. The pipe never blocks a writer, who may hold the interpreter's lock that
    the reading thread waits for: when the pipe is full, what is written is lost. So are the last words of a crash.

    Args:
        real: descriptor to which stdout and stderr return when the process ends.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for descriptor in (1, 2):
        os.dup2(writing, descriptor)
    os.close(writing)
    # A thread starts without the context of the one that starts it, and so without the name of the service.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(_log_all, reading), name="raw output", daemon=True)
    thread.start()

    def restore() -> None:
        for descriptor in (1, 2):
            os.dup2(real, descriptor)
        thread.join(LAST_LINES_SECONDS)

    atexit.register(restore)


def _log_all(source: int) -> None:
    """Logs each line from a pipe, until all its writers have closed it."""
    began, written, left_out, pending = time.monotonic(), 0, 0, b""
    while chunk := os.read(source, _CHUNK_BYTES):
        *lines, pending = (pending + chunk).split(b"\n")
        pending = pending[:MAX_TEXT_BYTES]
        if time.monotonic() - began >= 1:
            began, written, left_out = time.monotonic(), 0, _report(left_out)
        allowed = lines[: MAX_LINES_PER_SECOND - written]
        for line in allowed:
            _log(line)
        written += len(allowed)
        left_out += len(lines) - len(allowed)
    if pending:
        _log(pending)
    _report(left_out)


def _log(line: bytes) -> None:
    log.warning("raw output", text=line[:MAX_TEXT_BYTES].decode("utf-8", "backslashreplace"))


def _report(left_out: int) -> int:
    """Logs how many lines were left out; returns 0, the next number of them."""
    if left_out:
        log.warning("raw output left out", lines=left_out)
    return 0
