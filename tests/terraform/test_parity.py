"""docker-compose.yml, the Dockerfiles and terraform/modules/stack/containers.yaml describe the same system."""

import json
import re
from typing import Any

import pytest
import yaml

from tests.support.repository import ROOT

COMPOSE: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
CONTAINERS: dict[str, dict[str, Any]] = yaml.safe_load(
    (ROOT / "terraform" / "modules" / "stack" / "containers.yaml").read_text()
)
NAMES_IN_COMPOSE = {"registrar": "import-release"}  # compose runs this command only
SECRETS_AS_FILES = {"PGPASSFILE": "PGPASSWORD"}  # libpq reads either a password file or a password

# users' keys and their photos, for which the stack on AWS has no database yet; and TLS between services
ON_NO_CLOUD = {"access", "certificates", "first-key", "keys-database", "collection", "collection-database"}
KEYS = COMPOSE["access"]["environment"].keys() - {"VERGER_PAGE_URL"}
DATABASE = "VERGER_ACCESS_DATABASE_URL"
OPEN = {"VERGER_ACCESS": "open"}
TLS = {"VERGER_TLS", "VERGER_TLS_FOLDER", "VERGER_TLS_SERVER_NAME"}
OF_COLLECTION = {"VERGER_COLLECTION_DAYS", "VERGER_COLLECTION_TARGET", "VERGER_KEY"}

every_container = pytest.mark.parametrize("name", CONTAINERS)


def in_compose(name: str) -> dict[str, Any]:
    return COMPOSE[NAMES_IN_COMPOSE.get(name, name)]


def image_of(name: str) -> list[tuple[str, str]]:
    """Returns the instructions of the last stage of the image, such as ("EXPOSE", "8000")."""
    image = in_compose(name)["image"]
    build = next(service["build"] for service in COMPOSE.values() if service["image"] == image and "build" in service)
    text = (ROOT / build["context"] / build["dockerfile"]).read_text().replace("\\\n", " ")
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    instructions = [(line[0], line[1]) for line in lines]
    stages = [position for position, (word, _) in enumerate(instructions) if word == "FROM"]
    named = [start for start in stages if instructions[start][1].endswith(f" AS {build.get('target')}")]
    start = (named or stages[-1:])[0]
    end = next((position for position in stages if position > start), None)
    return instructions[start + 1 : end]


def words(name: str, instruction: str) -> list[str]:
    return [word for found, text in image_of(name) if found == instruction for word in text.split()]


def test_compose_runs_the_same_programs() -> None:
    of_verger = {name for name, service in COMPOSE.items() if str(service["image"]).startswith("verger-")}
    assert of_verger - {"credentials"} - ON_NO_CLOUD == {NAMES_IN_COMPOSE.get(name, name) for name in CONTAINERS}


@every_container
def test_images_have_the_same_names(name: str) -> None:
    assert in_compose(name)["image"].split(":")[0] == CONTAINERS[name]["image"]


@every_container
def test_variables_have_the_same_values(name: str) -> None:
    """Compose also passes on settings of the user. On AWS, the variable `settings` contains these."""
    actual = {key: value for key, value in in_compose(name)["environment"].items() if value is not None}
    instead = OPEN if "VERGER_ACCESS" in actual else {}
    left_out = TLS | OF_COLLECTION | (KEYS if DATABASE in actual else {"VERGER_OPERATOR", "USER"})
    actual = {key: value for key, value in actual.items() if key not in left_out} | instead
    fixed = CONTAINERS[name].get("environment", {})
    assert {key: actual.get(key) for key in fixed} == fixed
    others = {SECRETS_AS_FILES.get(key, key) for key in actual.keys() - fixed.keys()}
    assert others == {*CONTAINERS[name].get("environment_per_deployment", []), *CONTAINERS[name].get("secrets", [])}


@every_container
def test_compose_passes_on_variables_of_verger_only(name: str) -> None:
    passed_on = [key for key, value in in_compose(name)["environment"].items() if value is None]
    assert [key for key in passed_on if not key.startswith("VERGER_")] == []


@every_container
def test_ports_are_the_same(name: str) -> None:
    ports = {str(port) for port in CONTAINERS[name].get("ports", {}).values()}
    assert set(words(name, "EXPOSE")) == ports
    published = {str(port).rsplit(":", 1)[-1] for port in in_compose(name).get("ports", [])}
    assert published <= ports


@every_container
def test_health_checks_are_the_same(name: str) -> None:
    assert "healthcheck" not in in_compose(name)  # the image defines it
    actual = [text for found, text in image_of(name) if found == "HEALTHCHECK"]
    checks = [json.loads(text[text.index("[") :]) for text in actual]
    assert checks == [check for check in [CONTAINERS[name].get("health_check")] if check]


@every_container
def test_the_stop_timeout_is_the_same_and_longer_than_the_drain(name: str) -> None:
    grace = in_compose(name).get("stop_grace_period", "10s")  # default of Docker
    assert grace == f"{CONTAINERS[name]['stop_timeout_seconds']}s"
    drain = float(CONTAINERS[name].get("environment", {}).get("VERGER_DRAIN_SECONDS", 0))
    assert drain + 10 <= CONTAINERS[name]["stop_timeout_seconds"]


@every_container
def test_the_same_directories_are_writable(name: str) -> None:
    service = in_compose(name)
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    mounts = [mount for mount in service.get("volumes", []) if isinstance(mount, str) and not mount.endswith(":ro")]
    written = {mount.split(":")[1] for mount in mounts} | ({service["tmpfs"]} if "tmpfs" in service else set())
    assert written == set(CONTAINERS[name]["writable"])


@every_container
def test_the_user_of_the_image_may_write_to_these_directories(name: str) -> None:
    """Fargate gives a volume to the owner of the VOLUME in the image, and to root if there is none."""
    assert words(name, "USER") == ["10001:10001"]
    assert set(words(name, "VOLUME")) >= set(CONTAINERS[name]["writable"])


def test_addresses_match_the_ports() -> None:
    """Each program calls the next one by its name and port."""
    ports = {f"{name}:{port}" for name, container in CONTAINERS.items() for port in container.get("ports", {}).values()}
    text = json.dumps([container.get("environment", {}) for container in CONTAINERS.values()])
    called = set(re.findall(r"//(?:/)?([a-z]+:\d+)", text))
    assert called == {"preprocess:50051", "inference:50052", "mlflow:5000"}
    assert called <= ports
