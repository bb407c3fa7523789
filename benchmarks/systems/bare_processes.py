"""The bare limit of a machine for many photos: a process for each core that calls the engine, and nothing else.

usage: python -m benchmarks.systems.bare_processes VERSION FOLDER PROCESSES

Each process classifies its share of the folder's count: the bytes of the folder's first photo, which it has read once.
"""

import os
import subprocess
import sys
from pathlib import Path

from engine import classifier


def main() -> None:
    """Runs from the command line."""
    version, folder, processes = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    if processes == 1:
        share = int(sys.argv[4]) if len(sys.argv) > 4 else len(os.listdir(folder))
        work(version, next(folder.iterdir()).read_bytes(), share)
        return
    count = len(os.listdir(folder))
    command = [sys.executable, "-m", "benchmarks.systems.bare_processes", str(version), str(folder), "1"]
    running = [subprocess.Popen([*command, str(count // processes)]) for _ in range(processes)]
    sys.exit(max(process.wait() for process in running))


def work(version: Path, photo: bytes, count: int) -> None:
    """Classifies one photo so many times."""
    engine = classifier.load(version)
    for _ in range(count):
        engine.classify(photo)


if __name__ == "__main__":
    main()
