"""Finds out what a new process has loaded after an import."""

import subprocess
import sys

from tests.support.repository import ROOT


def output_of(program: str) -> str:
    """Returns what a Python program prints in a new process."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout


def imported_with(module: str) -> set[str]:
    """Returns the names of all modules that a new process has after importing one."""
    return set(output_of(f"import {module}, sys; print(*sys.modules)").split())
