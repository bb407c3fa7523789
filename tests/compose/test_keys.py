"""Containers ask for keys by default, which are in a database of their own beside MLflow's."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.page.forms import token_in
from tests.support.systems.composed import Composed
from tests.support.systems.uploads import PHOTO
from tests.support.waiting import wait_until

KEYS = {"VERGER_ACCESS": ""}
MAKE = "docker compose run --rm access make --name shop --owner anna --scope classify > shop.key"
LINK = "docker compose run --rm access link"
LIST = "docker compose run --rm access list"
ROTATE = "docker compose run --rm access rotate 3f9a1c07b2de --overlap 7d > new.key && mv new.key shop.key"
REVOKE = "docker compose run --rm access revoke 3f9a1c07b2de"

REACH_DATABASE = "import socket; socket.create_connection(('database', 5432), timeout=30)"
ENTER_MLFLOW = """
import pathlib, psycopg
password = pathlib.Path('/run/secrets/pgpass').read_text().strip().rpartition(':')[2]
psycopg.connect(host='database', user='access', dbname='mlflow', password=password)
"""
CHANGE_AUDIT = "import psycopg; psycopg.connect('postgresql://access@database/access').execute({!r})"
CALL_WITHOUT_KEY = """
import grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc
stub = classifier_pb2_grpc.ClassifierServiceStub(grpc.insecure_channel('preprocess:50051'))
try:
    stub.DescribeClassifier(classifier_pb2.DescribeClassifierRequest(), timeout=30)
except grpc.RpcError as refused:
    print(refused.code().name)
"""


def tried(verger: Composed, service: str, code: str) -> subprocess.CompletedProcess[str]:
    """What came of Python code in a container of a service."""
    (container,) = verger.containers(service)
    return verger.run("docker", "exec", container, "python", "-c", code)


@pytest.fixture(scope="module")
def asked(verger: Composed) -> Iterator[Composed]:
    """The system asks for keys for the duration of a module."""
    verger.compose("up", "--detach", "--wait", **KEYS)
    yield verger
    verger.compose("up", "--detach", "--wait")
    verger.wait_ready()


def printed(verger: Composed, folder: Path, command: str, identity: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a command of the documents with the id of a key that exists. What it writes into a file is in `folder`."""
    line = re.sub(r"\w+\.key", rf"{folder}/\g<0>", command.replace("3f9a1c07b2de", identity))
    done = verger.run("bash", "-c", line, **KEYS)
    assert done.returncode == 0, done.stderr
    return done


def reason(verger: Composed, key: str) -> str:
    """Why a photo with this key is refused; an empty text if it is answered."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    answer = httpx.post(f"{verger.web}/api/v1/classify", content=PHOTO, headers=headers, timeout=60)
    return str(answer.json().get("reason", ""))


def test_the_first_start_makes_a_key_and_a_link_that_signs_in_once(asked: Composed, tmp_path: Path) -> None:
    (printed_once,) = re.findall(r"http://\S+/sign-in#\S+", asked.compose("logs", "--no-log-prefix", "first-key"))
    links = [printed_once, printed(asked, tmp_path, LINK).stdout.strip()]
    for link in links:
        address, token = link.split("/sign-in#")
        assert address == asked.web.replace("127.0.0.1", "localhost")
        outcomes = []
        for _ in range(2):
            with httpx.Client(base_url=asked.web, timeout=60) as client:
                form = {"csrf": token_in(client.get("/sign-in")), "key": token}
                outcomes.append(client.post("/sign-in", data=form).status_code)
        assert outcomes == [303, 401]
    key = asked.compose("run", "--rm", "--entrypoint", "cat", "first-key", "/data/admin.key", **KEYS).strip()
    assert reason(asked, key) == ""
    assert key not in asked.compose("logs")


def test_a_wrong_value_is_named_with_what_is_allowed(asked: Composed) -> None:
    refused = asked.run("docker", "compose", "run", "--rm", "first-key", VERGER_ACCESS="key")
    assert refused.returncode == 2
    assert "VERGER_ACCESS=key: Input should be 'open' or 'keys'." in refused.stderr


def test_keys_are_made_rotated_and_revoked_by_the_printed_commands(asked: Composed, tmp_path: Path) -> None:
    assert reason(asked, "") == "KEY_MISSING"
    assert tried(asked, "web", CALL_WITHOUT_KEY).stdout.strip() == "UNAUTHENTICATED"

    printed(asked, tmp_path, MAKE)
    old = (tmp_path / "shop.key").read_text().strip()
    assert reason(asked, old) == ""
    printed(asked, tmp_path, ROTATE, old.split("_")[1])
    new = (tmp_path / "shop.key").read_text().strip()
    assert [reason(asked, key) for key in (old, new)] == ["", ""]
    printed(asked, tmp_path, REVOKE, old.split("_")[1])
    wait_until(lambda: reason(asked, old) == "KEY_REVOKED", what="the end of the key")
    assert reason(asked, new) == ""

    done = printed(asked, tmp_path, LIST.replace("list", "log --json")).stdout.splitlines()
    changes = [(entry["action"], entry["subject"]) for entry in map(json.loads, done) if entry["result"] == "done"]
    ids = [key.split("_")[1] for key in (old, new)]
    start = changes.index(("key made", ids[0]))
    assert changes[start : start + 4] == [
        ("key made", ids[0]),
        ("key rotated", ids[0]),
        ("key made", ids[1]),
        ("key revoked", ids[0]),
    ]
    lines = asked.run("docker", "logs", *asked.containers("preprocess")).stderr.splitlines()
    assert set(ids) <= {entry["subject"] for entry in map(json.loads, lines) if entry["event"] == "audit"}

    by_compose = printed(asked, tmp_path, LIST).stdout
    by_launch = asked.launch("--access", "list").stdout  # without the variable, which does no harm to what runs
    for rows in (by_compose, by_launch):
        assert {"shop", "live", "revoked", "verger"} <= set(rows.split())
    assert [reason(asked, key) for key in ("", new)] == ["KEY_MISSING", ""]


def test_a_visitor_signs_in_on_the_page_until_the_key_is_revoked(asked: Composed, tmp_path: Path) -> None:
    printed(asked, tmp_path, MAKE.replace("shop", "visitor"))
    key = (tmp_path / "visitor.key").read_text()
    with httpx.Client(base_url=asked.web, timeout=60) as client:
        form = {"csrf": token_in(client.get("/sign-in")), "key": key}
        assert client.post("/sign-in", data=form).status_code == 303
        session = {"csrf": token_in(client.get("/"))}

        def status() -> int:
            return client.post("/predict", data=session, files={"file": PHOTO}).status_code

        assert status() == 200
        printed(asked, tmp_path, REVOKE, key.split("_")[1])
        wait_until(lambda: status() == 401, what="the end of the session")


def test_the_role_of_keys_can_not_enter_the_database_of_mlflow(asked: Composed) -> None:
    assert tried(asked, "web", REACH_DATABASE).returncode == 0
    assert "does not have CONNECT privilege" in tried(asked, "web", ENTER_MLFLOW).stderr


@pytest.mark.parametrize(
    "statement",
    ["UPDATE access_audit SET who = 'nobody'", "DELETE FROM access_audit", "TRUNCATE access_audit"],
    ids=["update", "delete", "truncate"],
)
def test_nothing_in_the_audit_can_be_changed_or_deleted(asked: Composed, statement: str) -> None:
    assert "neither changed nor deleted" in tried(asked, "web", CHANGE_AUDIT.format(statement)).stderr


@pytest.mark.parametrize("service", ["web", "preprocess"])
def test_a_service_has_the_password_of_keys_alone_and_in_a_file(asked: Composed, service: str) -> None:
    (database,), (container,) = asked.containers("database"), asked.containers(service)
    of_mlflow = asked.run("docker", "exec", database, "cat", "/run/secrets/password").stdout.strip()
    files = "import pathlib; print(*(path.read_text() for path in pathlib.Path('/run/secrets').iterdir()))"
    held = asked.python(container, files).strip()
    assert held.startswith("*:*:access:access:")
    assert of_mlflow not in held
    assert held.rpartition(":")[2] not in str(asked.inspect(container))


def test_known_keys_are_answered_while_the_database_is_away(asked: Composed, tmp_path: Path) -> None:
    printed(asked, tmp_path, MAKE.replace("shop", "market"))
    key = (tmp_path / "market.key").read_text().strip()
    assert reason(asked, key) == ""
    asked.compose("stop", "database")
    try:
        assert reason(asked, key) == ""
        assert reason(asked, key[:-1] + ("0" if key[-1] != "0" else "1")) == "ACCESS_UNAVAILABLE"
    finally:
        asked.compose("up", "--detach", "--wait", **KEYS)
    wait_until(lambda: reason(asked, key[:-1] + "g") == "KEY_UNKNOWN", 60, "the return of the database")
    assert reason(asked, key) == ""
