"""A spare web process: it has loaded everything, and serves as soon as the one that serves has ended.

launch.sh runs two web processes with the same lock file. A web service takes seconds to load, during which its clients
would be refused; the kernel passes a lock on at once, however its holder ended.
"""

import fcntl
from pathlib import Path
from typing import IO

import structlog

log = structlog.get_logger(__name__)


def wait_for_turn(lock_file: Path) -> IO[bytes]:
    """Returns when no other process holds the lock. It is held as long as the returned file is open."""
    lock = lock_file.open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        log.info("ready to replace the web process that serves")
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock
