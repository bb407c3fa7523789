"""Makes each fault happen to a running system, one after the other."""

import subprocess
import time
from collections.abc import Iterator

from tests.nightly.chaos.faults import FAULTS, Fault
from tests.nightly.chaos.watch import Noticed, observed
from tests.nightly.system import say
from tests.support.repository import ROOT
from tests.support.small_disk import full, small_disk
from tests.support.systems.launched import Launched
from tests.support.systems.processes import roots
from tests.support.waiting import wait_until

VERSIONS_DISK_BYTES = 64 * 2**20
FULL_SECONDS = 10.0
MAX_PROMOTION_SECONDS = 120.0


def faults(system: Launched) -> Iterator[Noticed]:
    """Does to each process what FAULTS lists."""
    for program in ("web", "preprocess", "inference", "mlflow"):
        for name, fault in FAULTS.items():
            yield suffer(system, program, name, fault)


def suffer(system: Launched, program: str, name: str, fault: Fault) -> Noticed:
    """Does something to one process, and waits until the system has recovered."""
    with observed(system, f"{program}: {name}") as observation:
        with fault(roots(system)[program]) as seconds:
            observation.last(seconds)
        observation.end()
    return observation.noticed()


def full_disks(system: Launched) -> Iterator[Noticed]:
    """Fills the disk of everything, and the disk of inference's local copies alone while a version is promoted."""
    with observed(system, "the whole disk is full for 10 s") as observation:
        with full(system.home):
            observation.last(FULL_SECONDS)
        observation.end()
    yield observation.noticed()
    versions = system.home / "models"
    what = "the disk of model versions is full while one is promoted"
    with observed(system, what) as observation, small_disk(versions, VERSIONS_DISK_BYTES):
        with full(versions):
            promote_copy(system)
            time.sleep(FULL_SECONDS)
        begun = time.monotonic()
        wait_until(lambda: system.version() == "2", MAX_PROMOTION_SECONDS, "the promoted version")
        say(f"(The promoted version was live {time.monotonic() - begun:.0f} s after there was room for it.)")
        observation.end()
    yield observation.noticed()


def promote_copy(system: Launched) -> None:
    """Registers the released model once more, as version 2, and promotes it."""
    python = system.home / "env" / "serving" / "bin" / "python"
    environment = system.environment | {"VERGER_MLFLOW_URL": system.mlflow}
    command = [str(python), "-m", "benchmarks.systems.promotions", "1", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
