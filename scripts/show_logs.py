"""Shows what is written into log files from now on, in a form for people.

usage: python scripts/show_logs.py FOLDER
"""

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import structlog

PAUSE_SECONDS = 0.2

render = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())


def for_people(line: str) -> str:
    """Renders a line of a service; other programs' lines stay as they are, but for control characters."""
    try:
        event: Any = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict) or "event" not in event:
        return "".join(letter if letter.isprintable() else " " for letter in line.rstrip("\n"))
    errors = event.pop("exception", None)
    if isinstance(errors, list):
        event["error"] = " from ".join(f"{error['exc_type']}: {error['exc_value']}" for error in errors)
    return render(None, str(event.get("level")), event)


class Follower:
    """Reads the lines that are added to a file, also after it was renamed and a new one has taken its name."""

    def __init__(self, path: Path, from_end: bool) -> None:
        """Opens the file; reads only what comes from now on if `from_end`."""
        self._path = path
        self._file: TextIO = path.open(encoding="utf-8", errors="replace")
        if from_end:
            self._file.seek(0, 2)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def lines(self) -> list[str]:
        """Returns the whole lines that are new."""
        found = self._whole_lines()
        if not self._path.exists() or self._path.stat().st_ino == os.fstat(self._file.fileno()).st_ino:
            return found
        self._file.close()
        self._file = self._path.open(encoding="utf-8", errors="replace")
        return found + self._whole_lines()

    def _whole_lines(self) -> list[str]:
        found = []
        while True:
            start = self._file.tell()
            line = self._file.readline()
            if not line.endswith("\n"):
                self._file.seek(start)
                return found
            found.append(line)


def main(folder: Path) -> None:
    """Follows all logs of a folder until it is interrupted."""
    followers = {path: Follower(path, from_end=True) for path in folder.glob("*.log")}
    sys.stdout.write(f"What is written into {folder} from now on:\n")
    while True:
        for path in folder.glob("*.log"):
            if path not in followers:
                followers[path] = Follower(path, from_end=False)
            for line in followers[path].lines():
                sys.stdout.write(f"{for_people(line)}\n")
        sys.stdout.flush()
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # Ctrl-C ends launch.sh, and this with it
        main(Path(sys.argv[1]))
