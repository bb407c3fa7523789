"""checkov finds no problem, or the exception has its reason beside it.

checkov runs in its own environment, because its pins conflict with many packages of Verger.
"""

import json
import subprocess

import pytest

from tests.support.own_environment import UV, run_apart
from tests.support.repository import ROOT

CHECKOV = "checkov==3.3.30"


def run_with_checkov(*command: str) -> "subprocess.CompletedProcess[str]":
    return run_apart(CHECKOV, *command, cwd=ROOT, seconds=280)


@pytest.fixture(scope="module")
def report() -> dict[str, list[dict[str, str]]]:
    """Returns the checks of terraform/ by result."""
    if not UV.exists():
        pytest.skip("uv is not installed beside this Python, so checkov can't be downloaded")
    if (fetched := run_with_checkov("python", "-c", "pass")).returncode != 0:
        pytest.skip(f"checkov can't be downloaded: {fetched.stderr.strip()[-200:]}")
    scan = ["--directory", "terraform", "--framework", "terraform", "--skip-download", "--output", "json"]
    output = json.loads(run_with_checkov("checkov", *scan).stdout)
    results: dict[str, list[dict[str, str]]] = output["results"]
    return results


def test_checkov_finds_no_problem(report: dict[str, list[dict[str, str]]]) -> None:
    assert len(report["passed_checks"]) > 200
    failed = [f"{one['check_id']} {one['resource']}: {one['check_name']}" for one in report["failed_checks"]]
    assert failed == []
    assert report["parsing_errors"] == []
