"""Runs programs whose packages would not get on with those of the tests, each in an environment of its own."""

import os
import subprocess
import sys
from pathlib import Path

UV = Path(sys.executable).parent / "uv"


def package_index() -> dict[str, str]:
    """Returns the environment variables for uv, which does not read pip's configuration."""
    environment = dict(os.environ)
    if "UV_DEFAULT_INDEX" not in environment:
        pip = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
        index = subprocess.run(pip, capture_output=True, text=True, check=False).stdout.strip()
        environment |= {"UV_DEFAULT_INDEX": index} if index else {}
    return environment


def run_apart(
    package: str, *command: str, cwd: Path, seconds: float, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Runs a command of a package. uv makes the environment once and caches it.

    Args:
        package: name and version, as in a file of requirements.
        command: the program with its arguments.
        cwd: working directory.
        seconds: time limit.
        python: version or path of the interpreter; that of the tests by default.
    """
    run = [str(UV), "tool", "run", "--quiet", "--python", python, "--from", package, *command]
    return subprocess.run(
        run, env=package_index(), cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False
    )
