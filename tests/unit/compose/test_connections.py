"""Who reaches the database in containers, and who has which password."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import yaml

from tests.support.repository import ROOT


def services() -> dict[str, Any]:
    """The services by name."""
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"])


def neighbours(service: str) -> set[str]:
    """The services with which one shares a network."""
    found = services()
    own = set(found[service]["networks"])
    return {name for name, other in found.items() if own & set(other.get("networks", ()))} - {service}


def mounts(volume: str) -> Iterator[tuple[str, str]]:
    """Each service that has a volume, with its options."""
    for name, service in services().items():
        for mount in service.get("volumes", ()):
            source, _, rest = mount.partition(":") if isinstance(mount, str) else ("", "", "")
            if source == volume:
                yield name, rest.partition(":")[2]


def test_only_those_who_use_the_database_reach_it() -> None:
    makers = {"keys-database", "collection-database", "first-key"}
    assert neighbours("database") == {"mlflow", "collection", "access", "web", "preprocess", "inference"} | makers


def test_no_two_services_share_two_networks() -> None:
    """The name of a service would have two addresses for each replica, and clients would count it twice."""
    networks = {name: set(service.get("networks", ())) for name, service in services().items()}
    serving = ("web", "preprocess", "inference", "collection", "mlflow", "database")
    assert [pair for pair in combinations(serving, 2) if len(networks[pair[0]] & networks[pair[1]]) > 1] == []


def test_the_ways_to_the_database_lead_nowhere_else() -> None:
    networks = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["networks"]
    for service in ("web", "preprocess"):
        assert networks[f"{service}-keys"] == {"internal": True}


def test_only_those_who_open_the_database_have_its_passwords() -> None:
    makers = {"keys-database": "ro", "collection-database": "ro"}
    assert dict(mounts("credentials")) == {"mlflow": "ro", "database": "ro", "credentials": ""} | makers
    asking = dict.fromkeys(("web", "preprocess", "inference", "collection", "access", "first-key"), "ro")
    assert dict(mounts("keys")) == asking | {"keys-database": ""}
    assert dict(mounts("admin")) == {"first-key": ""}
    assert dict(mounts("collection")) == {"collection": "ro", "collection-database": ""}
