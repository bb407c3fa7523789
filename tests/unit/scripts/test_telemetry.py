"""Nothing that Verger runs reports its use to the makers of its libraries."""

import subprocess

import pytest

from tests.support.imports import output_of
from tests.support.repository import ROOT

VARIABLES = {"mlflow": "MLFLOW_DISABLE_TELEMETRY", "onnxruntime": "ORT_DISABLE_TELEMETRY"}

SPY = f"""
import os, sys

VARIABLES = {VARIABLES!r}
for name in VARIABLES.values():
    os.environ.pop(name, None)

class Spy:
    def find_spec(self, name, *more):
        if name in VARIABLES:
            print(name, VARIABLES[name] in os.environ)

sys.meta_path.insert(0, Spy())
"""


@pytest.mark.parametrize(
    ("module", "libraries"),
    [
        ("services.inference.server", {"mlflow", "onnxruntime"}),
        ("engine.classifier", {"onnxruntime"}),
        ("registry.models", {"mlflow"}),
        ("trainer.tracking.run", {"mlflow"}),
        ("trainer.graphs.int8", {"onnxruntime"}),
    ],
)
def test_telemetry_is_off_before_a_library_is_imported(module: str, libraries: set[str]) -> None:
    seen = dict(line.split() for line in output_of(f"{SPY}import {module}").splitlines())
    assert seen.items() >= dict.fromkeys(libraries, "True").items()
    assert set(seen.values()) == {"True"}


def test_telemetry_is_off_in_what_the_scripts_start() -> None:
    """Such as MLflow's server, and the frameworks of the benchmark."""
    shell = ["bash", "-c", "set -eu; . scripts/environment.sh; env"]
    variables = subprocess.run(
        shell, cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    assert {"MLFLOW_DISABLE_TELEMETRY=true", "ORT_DISABLE_TELEMETRY=1"} <= set(variables.stdout.splitlines())
