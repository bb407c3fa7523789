"""Under mixed load with versions going live, no request fails, and no file or thread leaks."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from benchmarks.load.mixed_load import send
from tests.support.pictures.photos import encoded, scene
from tests.support.repository import ROOT
from tests.support.systems.launched import Launched
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads open files from /proc")

SERVICES = ("services.inference", "services.preprocess", "services.web")
PHOTOS = [encoded(scene(size)) for size in ((500, 333), (1600, 1067), (4000, 3000))]
SLACK = 3
"""Allowed difference, because connections and threads vary. A leak grows with each swap or each request."""


def in_use(verger: Launched) -> dict[str, dict[str, int]]:
    """Returns the numbers of open files and threads of each service."""
    found = {}
    for service in SERVICES:
        (pid,) = [verger.serving_web()] if service == "services.web" else verger.pids(service)
        found[service] = {kind: len(list(Path(f"/proc/{pid}/{kind}").iterdir())) for kind in ("fd", "task")}
    return found


def load(verger: Launched, seconds: float) -> None:
    result = asyncio.run(send(verger.web, verger.preprocess, PHOTOS, seconds, callers=3))
    assert result["errors"] == 0, result["first_errors"]
    assert len(result["sent"]) == 6
    assert min(result["sent"].values()) > 0, result["sent"]


def test_mixed_load_with_swaps_has_no_errors_and_no_leaks(verger: Launched) -> None:
    verger.wait_ready()
    swaps, pause = 4, 4
    python = verger.home / "env" / "serving" / "bin" / "python"
    command = [str(python), "-m", "benchmarks.systems.promotions", str(swaps), str(pause)]
    environment = verger.environment | {"VERGER_MLFLOW_URL": verger.mlflow}
    load(verger, 4)
    before = in_use(verger)
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as promoting:
        next(iter(promoting.stdout or ()))  # printed when both versions are registered
        load(verger, swaps * pause + 3)
    assert promoting.returncode == 0
    wait_until(lambda: verger.version() == "1", 10, "the last swap")
    after = in_use(verger)
    for service, counts in before.items():
        for kind, count in counts.items():
            assert after[service][kind] <= count + SLACK, (
                f"{service}: {kind} {count} before, {after[service][kind]} after"
            )
