"""The variables in .env.example are those of the compose files, with the same defaults."""

import re
from pathlib import Path

import pytest
import yaml

from services.inference.config import InferenceSettings
from services.preprocess.config import PreprocessSettings
from services.web.config import WebSettings
from tests.support.repository import ROOT
from trainer.config import TrainerSettings

COMPOSE_FILES = sorted([ROOT / "docker-compose.yml", *ROOT.glob("compose.*.yml")])
PROGRAMS = (WebSettings, PreprocessSettings, InferenceSettings, TrainerSettings)


def examples() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.removeprefix("#").split("=", 1) for line in lines if line.startswith("#VERGER_"))


def variables_of(path: Path) -> dict[str, str]:
    return dict(re.findall(r"\$\{(VERGER_\w+):-([^}]*)}", path.read_text(encoding="utf-8")))


def passed_on() -> set[str]:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"].values()
    return {name for service in services for name, value in service.get("environment", {}).items() if value is None}


@pytest.mark.parametrize("path", COMPOSE_FILES, ids=lambda path: path.name)
def test_every_variable_of_a_compose_file_is_in_the_example(path: Path) -> None:
    assert variables_of(path).items() <= examples().items()


def test_the_example_has_no_other_variables() -> None:
    used = set().union(*map(variables_of, COMPOSE_FILES)) | passed_on()
    assert set(examples()) == used


def test_the_defaults_of_the_programs_are_those_of_the_example() -> None:
    defaults = {
        f"VERGER_{name.upper()}": field.default for program in PROGRAMS for name, field in program.model_fields.items()
    }
    documented = {name: type(defaults[name])(examples()[name]) for name in passed_on()}
    assert documented == {name: defaults[name] for name in passed_on()}


def test_no_variable_has_two_defaults() -> None:
    pairs = {pair for path in COMPOSE_FILES for pair in variables_of(path).items()}
    assert len(pairs) == len({name for name, _ in pairs})
