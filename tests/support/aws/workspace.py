"""Runs Terraform and the scripts of terraform/ on a copy, with an emulator of AWS."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.support.repository import ROOT

BESIDE_PYTHON = Path(sys.executable).parent
SEARCHED = f"{BESIDE_PYTHON}{os.pathsep}{os.environ['PATH']}"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
PACKAGES = {"boto3", "flask", "flask_cors", "moto"}


def missing(*tools: str) -> str | None:
    """Returns a message with the missing programs and Python packages, or None if all are installed."""
    absent = [tool for tool in tools if not _is_here(tool)]
    return f"not installed: {', '.join(absent)}" if absent else None


def _is_here(tool: str) -> bool:
    if tool in PACKAGES:
        return importlib.util.find_spec(tool) is not None
    return shutil.which(tool, path=SEARCHED) is not None


@dataclass(frozen=True)
class Workspace:
    """A copy of terraform/ to initialise and apply, and the environment variables of its commands."""

    folder: Path
    variables: Mapping[str, str]

    @classmethod
    def copied_to(cls, folder: Path, plugins: Path, aws: Mapping[str, str]) -> "Workspace":
        """Copies terraform/ into a folder.

        Args:
            folder: parent folder of the copy.
            plugins: cache of the provider for all copies.
            aws: environment variables for the emulator. They replace all AWS variables of this process.
        """
        shutil.copytree(ROOT / "terraform", folder / "terraform", ignore=shutil.ignore_patterns(".terraform*"))
        plugins.mkdir(exist_ok=True)
        own = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_VAR_", "TF_CLI_ARGS"))
        }
        terraform = {
            "PATH": SEARCHED,
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "TF_PLUGIN_CACHE_DIR": str(plugins),
            "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1",
            "TF_CLI_ARGS_apply": "-parallelism=30",  # the emulator is fast; most of the time is waiting
            "TF_CLI_ARGS_destroy": "-parallelism=30",
        }
        return cls(folder / "terraform", own | terraform | dict(aws))

    def terraform(self, directory: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs a Terraform command in a directory of the copy."""
        return self._run("terraform", f"-chdir={self.folder / directory}", *arguments)

    def script(self, name: str, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Runs a script of terraform/scripts/."""
        return self._run(str(self.folder / "scripts" / f"{name}.sh"), *arguments, **variables)

    def _run(self, *command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        environment = dict(self.variables) | variables
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
        done.stdout, done.stderr = COLOURS.sub("", done.stdout), COLOURS.sub("", done.stderr)
        return done

    def initialise(self, directory: str) -> None:
        """Initialises a directory for commands that need no state."""
        assert_success(self.terraform(directory, "init", "-backend=false"))

    def plan(self, directory: str, *arguments: str) -> "Plan":
        """Returns what Terraform would change."""
        file = self.folder / "plan"
        assert_success(self.terraform(directory, "plan", f"-out={file}", *arguments))
        return Plan(json.loads(assert_success(self.terraform(directory, "show", "-json", str(file)))))


@dataclass(frozen=True)
class Plan:
    """Output of `terraform show -json` for a plan."""

    document: dict[str, Any]

    @property
    def changes(self) -> dict[str, list[str]]:
        """Returns the actions for each resource or output that changes."""
        changes = {change["address"]: change["change"]["actions"] for change in self.document["resource_changes"]}
        outputs = {f"output.{name}": change["actions"] for name, change in self.document["output_changes"].items()}
        return {name: actions for name, actions in (changes | outputs).items() if actions not in (["no-op"], ["read"])}

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Returns the values of all resources after the change by address."""
        return {
            found["address"]: found["values"] for found in _resources(self.document["planned_values"]["root_module"])
        }

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Returns the values of all resources of a type."""
        return [values for address, values in self.resources.items() if f".{kind}." in f".{address}"]


def _resources(module: dict[str, Any]) -> list[dict[str, Any]]:
    children = [resource for child in module.get("child_modules", []) for resource in _resources(child)]
    return list(module.get("resources", [])) + children


def assert_success(done: "subprocess.CompletedProcess[str]") -> str:
    """Returns the output of a command. Fails the test with all output if the command failed."""
    assert done.returncode == 0, f"{' '.join(map(str, done.args))}\n{done.stdout}{done.stderr}"
    return done.stdout
