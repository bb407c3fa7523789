"""What .env.example says, against what the compose files ask for."""

import re
from pathlib import Path

import pytest
import yaml

from services.inference.config import InferenceSettings
from services.preprocess.config import PreprocessSettings
from tests.support.repository import ROOT
from trainer.config import TrainerSettings

COMPOSE_FILES = sorted([ROOT / "docker-compose.yml", *ROOT.glob("compose.*.yml")])
PROGRAMS = (PreprocessSettings, InferenceSettings, TrainerSettings)


def examples() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.removeprefix("#").split("=", 1) for line in lines if line.startswith("#VERGER_"))


def asked_for(path: Path) -> dict[str, str]:
    return dict(re.findall(r"\$\{(VERGER_\w+):-([^}]*)}", path.read_text(encoding="utf-8")))


def passed_on() -> set[str]:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"].values()
    return {name for service in services for name, value in service.get("environment", {}).items() if value is None}


@pytest.mark.parametrize("path", COMPOSE_FILES, ids=lambda path: path.name)
def test_every_variable_is_explained_with_its_default(path: Path) -> None:
    assert asked_for(path).items() <= examples().items()


def test_nothing_else_is_explained() -> None:
    used = set().union(*map(asked_for, COMPOSE_FILES)) | passed_on()
    assert set(examples()) == used


def test_the_programs_have_the_defaults_that_are_said() -> None:
    defaults = {
        f"VERGER_{name.upper()}": field.default for program in PROGRAMS for name, field in program.model_fields.items()
    }
    said = {name: type(defaults[name])(examples()[name]) for name in passed_on()}
    assert said == {name: defaults[name] for name in passed_on()}


def test_no_variable_has_two_defaults() -> None:
    pairs = {pair for path in COMPOSE_FILES for pair in asked_for(path).items()}
    assert len(pairs) == len({name for name, _ in pairs})
