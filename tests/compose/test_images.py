"""Contents of the images, and permissions of their containers."""

import json
import re
import sys
from pathlib import Path

import pytest

from tests.support.systems.composed import Composed

SERVICES = ["web", "preprocess", "inference", "collection", "mlflow"]


def test_no_image_exceeds_its_size_budget(verger: Composed) -> None:
    table = verger.run(sys.executable, "scripts/image_sizes.py")
    assert table.returncode == 0, table.stdout + table.stderr
    assert {"verger-web", "verger-preprocess", "verger-inference"} <= set(table.stdout.split())


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_unprivileged_and_has_limits(verger: Composed, service: str) -> None:
    (container,) = verger.containers(service)
    facts = verger.inspect(container)[0]
    assert facts["Config"]["User"] == "10001:10001"
    assert facts["HostConfig"]["ReadonlyRootfs"]
    assert facts["HostConfig"]["CapDrop"] == ["ALL"]
    assert facts["HostConfig"]["Memory"] > 0
    assert facts["HostConfig"]["NanoCpus"] > 0
    assert facts["Config"]["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    first = verger.python(container, "print(open('/proc/1/cmdline').read().split('\\0')[0])").strip()
    assert "python" in first, "the program itself must be process 1 to receive SIGTERM"
    written = verger.run("docker", "exec", container, "python", "-c", "open('/app/note', 'w')")
    assert "Read-only file system" in written.stderr or "Permission denied" in written.stderr


def test_the_database_is_confined_like_the_rest(verger: Composed) -> None:
    (container,) = verger.containers("database")
    facts = verger.inspect(container)[0]
    assert facts["HostConfig"]["ReadonlyRootfs"]
    assert facts["HostConfig"]["CapDrop"] == ["ALL"]
    assert not facts["HostConfig"]["CapAdd"]
    user = verger.run("docker", "exec", container, "sh", "-c", "id -u; grep CapEff /proc/1/status").stdout.split()
    assert user[0] != "0"
    assert int(user[-1], 16) == 0


@pytest.mark.parametrize("service", [*SERVICES, "database"])
def test_the_log_of_a_container_is_bounded(verger: Composed, service: str) -> None:
    (container,) = verger.containers(service)
    assert verger.inspect(container)[0]["HostConfig"]["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "6"}


@pytest.mark.parametrize("service", ["web", "preprocess", "inference", "collection"])
def test_no_service_contains_a_training_library(verger: Composed, service: str) -> None:
    (container,) = verger.containers(service)
    find = (
        "import importlib.util as u; print([n for n in ('tensorflow', 'keras', 'sklearn', 'pandas') if u.find_spec(n)])"
    )
    assert verger.python(container, find).strip() == "[]"


INSTALLED = """
import importlib.metadata as m, json, re
print(json.dumps([[re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower(), d.version] for d in m.distributions()]))
"""


BILL_OF_MATERIALS = (
    "docker compose run --rm --no-deps --entrypoint cat web /usr/share/verger/sbom.cdx.json > sbom.cdx.json"
)


def test_the_bill_of_materials_comes_by_the_documented_command(verger: Composed, tmp_path: Path) -> None:
    done = verger.run("bash", "-euc", BILL_OF_MATERIALS.replace("> ", f"> {tmp_path}/"))
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "sbom.cdx.json").read_text())["bomFormat"] == "CycloneDX"


@pytest.mark.parametrize("service", SERVICES)
def test_the_bill_of_materials_lists_what_is_installed(verger: Composed, service: str) -> None:
    (container,) = verger.containers(service)
    bill = json.loads(verger.run("docker", "exec", container, "cat", "/usr/share/verger/sbom.cdx.json").stdout)
    assert bill["bomFormat"] == "CycloneDX"
    listed = {(re.sub(r"[-_.]+", "-", part["name"]).lower(), part["version"]) for part in bill["components"]}
    installed = {(name, version) for name, version in json.loads(verger.python(container, INSTALLED))}
    assert listed == installed
    assert len(listed) > 20
    assert "cyclonedx-bom" not in {name for name, _ in listed}


def test_only_web_and_mlflow_publish_a_port_and_mlflow_on_loopback(verger: Composed) -> None:
    published = {}
    for service in [*SERVICES, "database"]:
        (container,) = verger.containers(service)
        bindings = verger.inspect(container)[0]["HostConfig"]["PortBindings"] or {}
        published[service] = sorted(bindings)
    others: dict[str, list[str]] = {name: [] for name in ("preprocess", "inference", "collection", "database")}
    assert published == {"web": ["8000/tcp"], "mlflow": ["5000/tcp"]} | others
    (mlflow,) = verger.containers("mlflow")
    ((binding,),) = verger.inspect(mlflow)[0]["HostConfig"]["PortBindings"].values()
    assert binding["HostIp"] == "127.0.0.1"


@pytest.mark.parametrize("service", ["preprocess", "inference", "collection"])
def test_services_that_process_photos_can_not_reach_the_internet(verger: Composed, service: str) -> None:
    (container,) = verger.containers(service)
    networks = verger.inspect(container)[0]["NetworkSettings"]["Networks"]
    assert {name: verger.inspect(name)[0]["Internal"] for name in networks} == dict.fromkeys(networks, True)


def test_the_password_is_in_no_setting_of_a_container(verger: Composed) -> None:
    (database,) = verger.containers("database")
    password = verger.run("docker", "exec", database, "cat", "/run/secrets/password").stdout.strip()
    assert len(password) >= 32
    for service in [*SERVICES, "database"]:
        (container,) = verger.containers(service)
        assert password not in str(verger.inspect(container))
