"""What the services of a launched system have written to their logs."""

import json
from pathlib import Path
from typing import Any

from tests.support.systems.launched import Launched
from tests.support.systems.processes import SERVICES


class NewLines:
    """The lines that are written after this object is made."""

    def __init__(self, system: Launched) -> None:
        self._begins = {path: path.stat().st_size for path in map(system.log, (*SERVICES, "web-spare"))}

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


def _whole_lines(path: Path, begin: int) -> list[bytes]:
    with path.open("rb") as file:
        if path.stat().st_size >= begin:  # else the file is a new one
            file.seek(begin)
        whole, _, _ = file.read().rpartition(b"\n")
    return whole.split(b"\n") if whole else []
