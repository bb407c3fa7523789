"""Measures the processor time per photo, by service and by kind of thread.

python -m benchmarks.cost SECONDS writes docs/benchmarks/cost.json. It reads /proc, so it needs Linux.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from benchmarks.load import measure
from benchmarks.load.pictures import make_pictures
from benchmarks.systems.servers import HOME, VERGER

OUTPUT = Path("docs/benchmarks/cost.json")
CONCURRENCY = 8


def by_thread(root: int) -> Counter[str]:
    """Returns the processor time so far in ms by "service kind", for the kinds of threads of Verger's services."""
    found: Counter[str] = Counter()
    for process in measure.tree(root):
        module = process.cmdline()[-1]
        if not module.startswith("services."):
            continue
        for task in Path(f"/proc/{process.pid}/task").iterdir():
            try:
                name = (task / "comm").read_text().strip()
                nanoseconds = int((task / "schedstat").read_text().split()[0])
            except OSError:  # the thread has just ended
                continue
            main = int(task.name) == process.pid
            kind = "event loop" if main else "gRPC's threads" if name.startswith("event_engine") else "work"
            found[f"{module.removeprefix('services.')} {kind}"] += round(nanoseconds / 1e6)
    return found


def main() -> None:
    """Runs from the command line."""
    seconds = float(sys.argv[1])
    photos = make_pictures(HOME / "photos")
    (door,) = (load for name, load in VERGER.doors().items() if name == "Verger REST")
    costs = {}
    with VERGER.running(next(iter(photos.values())).read_bytes()) as (root, _):
        for name, photo in photos.items():
            door(photo, CONCURRENCY, 2)
            before = by_thread(root)
            sample = door(photo, CONCURRENCY, seconds)
            spent = by_thread(root) - before
            costs[name] = {kind: round(ms / sample["photos"], 2) for kind, ms in sorted(spent.items())}
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(costs, indent=1) + "\n")


if __name__ == "__main__":
    main()
