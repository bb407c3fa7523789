"""Reads photos by their names: paths of this machine, and addresses of object storage and web servers."""

import os
import stat
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from bulk.errors import FileNotFound, FileUnreadable
from bulk.sources.remote import is_remote, opened
from engine.errors import ImageTooLarge, InvalidArgument

MAX_READ_ATTEMPTS = 3
"""How often a photo is fetched over the network."""

LOCAL_AHEAD, REMOTE_AHEAD = 2, 16
"""Photos that are read while others are classified. Over the network each waits long, and few bytes arrive at once."""


@dataclass(frozen=True)
class Content:
    """A photo that was read, or why it was not."""

    data: bytes = b""
    size: int | None = None
    error: InvalidArgument | None = None


def reading_threads() -> ThreadPoolExecutor:
    """Returns as many threads as `read_ahead` can use; they start when they are needed."""
    return ThreadPoolExecutor(REMOTE_AHEAD, "read")


def read_ahead(names: Sequence[bytes], max_bytes: int, threads: ThreadPoolExecutor) -> Iterator[Content]:
    """Yields the content of each photo, in order. Reads the next ones on threads meanwhile."""
    ahead = REMOTE_AHEAD if any(is_remote(name) for name in names) else LOCAL_AHEAD
    coming: deque[Future[Content]] = deque()
    for name in names:
        coming.append(threads.submit(read, name, max_bytes))
        if len(coming) > ahead:
            yield coming.popleft().result()
    while coming:
        yield coming.popleft().result()


def read(name: bytes, max_bytes: int) -> Content:
    """Reads a photo of at most `max_bytes`. A larger one is not read."""
    try:
        return _read_remote(name.decode(), max_bytes) if is_remote(name) else _read_local(name, max_bytes)
    except InvalidArgument as error:
        return Content(error=error)


def _read_local(name: bytes, max_bytes: int) -> Content:
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for somebody to write into it.
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a device, a pipe or a socket"
                raise FileUnreadable(f"This is {kind}, not a file.")
            if status.st_size > max_bytes:
                return Content(size=status.st_size, error=_too_large(status.st_size, max_bytes))
            data = file.read(status.st_size) if status.st_size else b""
            while len(data) < status.st_size and (more := file.read(status.st_size - len(data))):
                data += more  # a network drive may give less than was asked for
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFound("There is no such file.") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise FileUnreadable(f"The file can't be read: {reason}.") from error
    return Content(data, len(data))


def _read_remote(address: str, max_bytes: int) -> Content:
    for attempt in range(MAX_READ_ATTEMPTS):
        try:
            with opened(address) as file:
                data = file.read(max_bytes + 1)
                size = getattr(file, "size", None) if len(data) > max_bytes else len(data)
        except FileNotFoundError:
            raise FileNotFound("There is no such file at this address.") from None
        except PermissionError as error:
            raise FileUnreadable(f"The file may not be read: {error}.") from error
        except Exception as error:  # each storage has exceptions of its own
            if attempt == MAX_READ_ATTEMPTS - 1:
                sentence = f"The file can't be read: {type(error).__name__}, {error}."
                raise FileUnreadable(sentence) from error
            time.sleep(0.5 * 4**attempt)
        else:
            if len(data) > max_bytes:
                return Content(size=size, error=_too_large(size or len(data), max_bytes))
            return Content(data, len(data))
    raise AssertionError


def _too_large(size: int, max_bytes: int) -> ImageTooLarge:
    return ImageTooLarge(f"The file has {size:,} bytes; at most {max_bytes:,} are accepted.")
