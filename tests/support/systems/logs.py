"""What the services of a launched system have written to their logs."""

import json
import os
from pathlib import Path
from typing import Any

from tests.support.systems.launched import Launched
from tests.support.systems.processes import SERVICES


class NewLines:
    """The lines that are written after this object is made."""

    def __init__(self, system: Launched) -> None:
        self._begins = {path: path.stat() for path in map(system.log, (*SERVICES, "web-spare"))}

    def lines(self) -> list[bytes]:
        """Returns the whole lines that were added, of all services. A line that is being written is left out."""
        return [line for path, begin in self._begins.items() for line in _whole_lines(path, begin)]

    def entries(self) -> list[dict[str, Any]]:
        """Returns what the added lines say. Fails the test if one is no JSON object."""
        found = []
        for line in self.lines():
            try:
                entry = json.loads(line)
            except ValueError:
                raise AssertionError(f"not JSON: {line[:1000]!r}") from None
            assert isinstance(entry, dict), line[:1000]
            found.append(entry)
        return found


def _whole_lines(path: Path, begin: os.stat_result) -> list[bytes]:
    """Reads on where the log ended at `begin`. A full log is renamed, to PATH.1, then PATH.2 and so on."""
    added = b""
    for file in sorted(path.parent.glob(f"{path.name}*")):  # newest first
        is_first = file.stat().st_ino == begin.st_ino
        added = file.read_bytes()[begin.st_size if is_first else 0 :] + added
        if is_first:
            break
    whole, _, _ = added.rpartition(b"\n")
    return whole.split(b"\n") if whole else []
