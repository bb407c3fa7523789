"""The variables in .env.example are those of the compose files, with the same defaults."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic_settings import BaseSettings

from services.collection.config import CollectionSettings
from services.inference.config import InferenceSettings
from services.preprocess.config import PreprocessSettings
from services.web.config import WebSettings
from tests.support.repository import ROOT
from trainer.config import TrainerSettings

DOCKERFILES = sorted([*ROOT.glob("services/*/Dockerfile"), ROOT / "trainer" / "Dockerfile"])
COMPOSE_FILES = sorted([ROOT / "docker-compose.yml", *ROOT.glob("compose.*.yml")])
DECIDED_BY_CONTAINERS = re.compile(
    "_(PORT|HOME|LOCK_FILE|WORKERS|LOG_FORMAT|METRICS_BIND_ADDRESS)$|_MAX_(REQUEST|BUFFERED)_BYTES$"
)
PROGRAMS = (WebSettings, PreprocessSettings, InferenceSettings, CollectionSettings, TrainerSettings)


def examples() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.removeprefix("#").split("=", 1) for line in lines if line.startswith("#VERGER_"))


def variables_of(path: Path) -> dict[str, str]:
    return dict(re.findall(r"\$\{(VERGER_\w+):-([^}]*)}", path.read_text(encoding="utf-8")))


def passed_on() -> set[str]:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"].values()
    return {name for service in services for name, value in service.get("environment", {}).items() if value is None}


def test_one_service_alone_builds_each_image() -> None:
    """Two builds of the same image can differ in their ids. Then the next docker compose up replaces containers."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"].values()
    images = {service["image"] for service in services if service["image"].startswith("verger-")}
    assert sorted(service["image"] for service in services if "build" in service) == sorted(images)


def build_arguments() -> set[str]:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"].values()
    return {name for service in services for name in service.get("build", {}).get("args", {})}


@pytest.mark.parametrize("path", COMPOSE_FILES, ids=lambda path: path.name)
def test_every_variable_of_a_compose_file_is_in_the_example(path: Path) -> None:
    assert variables_of(path).items() <= examples().items()


def test_the_example_has_no_other_variables() -> None:
    used = set().union(*map(variables_of, COMPOSE_FILES)) | passed_on() | build_arguments()
    assert set(examples()) == used


def test_the_defaults_of_the_programs_are_those_of_the_example() -> None:
    defaults = {
        f"VERGER_{name.upper()}": field.default for program in PROGRAMS for name, field in program.model_fields.items()
    }
    documented = {name: type(defaults[name])(examples()[name]) for name in passed_on()}
    assert documented == {name: defaults[name] for name in passed_on()}


@pytest.mark.parametrize(
    ("service", "program"),
    [
        ("web", WebSettings),
        ("preprocess", PreprocessSettings),
        ("inference", InferenceSettings),
        ("collection", CollectionSettings),
    ],
)
def test_every_setting_reaches_its_container(service: str, program: type[BaseSettings]) -> None:
    """But for those that containers decide: where things lie, and what follows from their quotas."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8"))["services"] for path in COMPOSE_FILES]
    known = {name for file in files for name in file.get(service, {}).get("environment", {})}
    settings = {f"VERGER_{name.upper()}" for name in program.model_fields}
    assert {name for name in settings - known if not DECIDED_BY_CONTAINERS.search(name)} == set()


def test_no_variable_has_two_defaults() -> None:
    pairs = {pair for path in COMPOSE_FILES for pair in variables_of(path).items()}
    assert len(pairs) == len({name for name, _ in pairs})


def test_all_images_have_the_same_base_and_the_example_names_it() -> None:
    found = {
        base
        for path in DOCKERFILES
        for base in re.findall(r"^ARG VERGER_PYTHON_IMAGE=(\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert found == {examples()["VERGER_PYTHON_IMAGE"]}
    for path in DOCKERFILES:
        stages = re.findall(r"^FROM (\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(stages) <= {"${VERGER_PYTHON_IMAGE}", "tools", "scratch"}
