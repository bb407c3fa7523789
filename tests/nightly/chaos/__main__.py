"""Runs from the command line.

python -m tests.nightly.chaos

Four users send photos all the time. It prints one row for each fault: how many of their photos were refused with the
advice to try again, how many failed, and how long it took until all was as before. The disk needs root.
"""

import sys
from contextlib import nullcontext

from tests.nightly.chaos.run import faults, full_disks
from tests.nightly.chaos.watch import Noticed
from tests.nightly.system import empty_folder, nightly_system, say
from tests.support.small_disk import small_disk, why_no_disk

DISK_BYTES = 400 * 2**20

HEAD = (
    "| what happened | photos | refused | failed | slowest answer | photos again after | healthy again after |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)


def main() -> int:
    """Returns the exit status: 1 if a photo was answered wrongly."""
    reason, wrong = why_no_disk(), 0
    with (
        empty_folder() as home,
        nullcontext() if reason else small_disk(home, DISK_BYTES),
        nightly_system(home) as system,
    ):
        say(*HEAD)
        for noticed in faults(system):
            say(row(noticed))
            wrong += noticed.failed["WRONG"]
        for noticed in full_disks(system) if reason is None else ():
            say(row(noticed))
            wrong += noticed.failed["WRONG"]
    if reason:
        say("", f"The disk was not filled: {reason}.")
    return bool(wrong)


def row(noticed: Noticed) -> str:
    """Returns a row of the table."""
    failed = ", ".join(f"{count} {kind}" for kind, count in noticed.failed.items()) or "0"
    seconds = (noticed.slowest_seconds, noticed.photos_again_seconds, noticed.healthy_again_seconds)
    times = " | ".join(f"{value:.1f} s" for value in seconds)
    return f"| {noticed.what} | {noticed.photos:,} | {noticed.refused} | {failed} | {times} |"


if __name__ == "__main__":
    sys.exit(main())
