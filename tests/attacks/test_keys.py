"""Where keys are asked for, wrong ones keep nobody waiting, a revoked one ends soon, and none is written anywhere. Who
has none may send a little, whoever that claims to be.
"""

import itertools
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from verger.v1 import classifier_pb2, classifier_pb2_grpc, collection_pb2

from services.access.keys import new_secret
from tests.support.attacks import over_grpc, over_http
from tests.support.attacks.trial import MAX_SLOWDOWN, Trial
from tests.support.repository import ROOT
from tests.support.statuses import code_and_reason
from tests.support.systems.launched import Launched, launched
from tests.support.systems.processes import PROC
from tests.support.systems.uploads import PHOTO
from tests.support.systems.users import OK, Users, reason_of_call
from tests.support.waiting import wait_until

KEYS = 1000
"""Wrong keys of one wave. The next one follows at once."""

PUBLIC_PHOTOS = 50
"""What one address may send within a minute without a key."""

MAX_REVOKED_SECONDS = 5.0

PHOTO_CALL = classifier_pb2.ClassifyRequest(image=PHOTO, top_k=1)


def made(system: Launched, name: str) -> str:
    done = system.launch("--access", "make", "--name", name, "--owner", "anna", "--scope", "classify")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def guarded(verger: Launched, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """A second system, which asks for keys and lets an address classify a little without one. It shares the environment
    of the first.
    """
    home: Path = tmp_path_factory.mktemp("guarded")
    (home / "env").symlink_to(verger.home / "env")
    limits = {"VERGER_PUBLIC_SCOPES": "classify", "VERGER_ADDRESS_PHOTOS_PER_MINUTE": str(PUBLIC_PHOTOS)}
    with launched(home, VERGER_ACCESS="keys", **limits) as system:
        system.key = made(system, "shop")
        yield system


@pytest.fixture(scope="module")
def trial(guarded: Launched) -> Trial:
    return Trial(guarded)


def require_few_entries(system: Launched) -> None:
    """The audit has at most one of each service for all wrong keys of an hour."""
    done = system.launch("--access", "log", "--since", "1h")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("KEY_UNKNOWN") <= 2, done.stdout


def test_wrong_keys_over_http_leave_room_for_those_with_keys(trial: Trial, guarded: Launched) -> None:
    outcomes, _ = trial.run(over_http.send_wrong_keys, KEYS, 100)
    assert set(outcomes) == {"401"}
    require_few_entries(guarded)


def test_wrong_keys_over_grpc_leave_room_for_those_with_keys(trial: Trial, guarded: Launched) -> None:
    outcomes, _ = trial.run(over_grpc.send_wrong_keys, KEYS, 4)
    assert set(outcomes) == {"KEY_UNKNOWN"}
    require_few_entries(guarded)


def test_wrong_links_leave_room_for_those_with_keys(trial: Trial, guarded: Launched) -> None:
    outcomes, _ = trial.run(over_http.send_wrong_links, KEYS, 20)
    assert set(outcomes) == {"401"}
    done = guarded.launch("--access", "log", "--since", "1h")
    assert done.stdout.count("LINK_SPENT") <= 1, done.stdout


DOORS = {
    "/api/v1/feedback": "POST",
    "/feedback": "POST",
    "/audit": "GET",
}
"""Behind which nobody may be without the right key, although everybody may classify."""


@pytest.mark.parametrize("sends", ["nothing", "a key without the scope", "a session of nobody"])
def test_every_other_door_is_closed_to_who_may_classify_alone(guarded: Launched, sends: str) -> None:
    headers = {
        "nothing": {},
        "a key without the scope": guarded.authorization,
        "a session of nobody": {"cookie": f"verger-session={'x' * 43}"},
    }[sends]
    for path, method in DOORS.items():
        answer = httpx.request(method, f"{guarded.web}{path}", headers=headers, timeout=60)
        assert answer.status_code == (403 if "without the scope" in sends else 401), path
    methods = collection_pb2.DESCRIPTOR.services_by_name["CollectionService"].methods_by_name
    assert methods
    with grpc.insecure_channel(guarded.collection) as channel:
        for name in methods:
            call = channel.stream_stream(f"/verger.v1.CollectionService/{name}")
            with pytest.raises(grpc.RpcError) as refused:
                next(call(iter([b""]), metadata=list(guarded.authorization.items()), timeout=60))
            assert code_and_reason(refused.value) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING"), name


def test_while_the_database_is_away_photos_are_answered_and_nothing_is_written(guarded: Launched) -> None:
    writer = guarded.launch(
        "--access", "make", "--name", "writer", "--owner", "anna", "--scope", "classify", "--scope", "feedback"
    ).stdout.strip()
    assert over_rest_with(guarded, writer) == OK
    known = {"authorization": f"Bearer {writer}"}
    file = guarded.home / "access" / "access.db"
    with Users(guarded) as users:
        file.rename(file.with_suffix(".away"))
        file.mkdir()
        try:
            begun = time.monotonic()

            def refusal() -> str:
                return str(httpx.post(f"{guarded.web}/api/v1/feedback", headers=known, timeout=60).json()["reason"])

            wait_until(lambda: refusal() == "ACCESS_UNAVAILABLE", what="the end of what is known")
            assert over_rest_with(guarded, new_secret().text) == "ACCESS_UNAVAILABLE"
            wait_until(lambda: len(users.since(begun)) >= 20, what="photos of users")
        finally:
            file.rmdir()
            file.with_suffix(".away").rename(file)
        assert {answer.outcome for answer in users.since(begun)} == {OK}
    wait_until(lambda: refusal() != "ACCESS_UNAVAILABLE", what="the return of the database")


def test_photos_in_the_name_of_invented_addresses_count_for_the_one_that_sends_them(trial: Trial) -> None:
    began = time.monotonic()
    outcomes, _ = trial.run(over_http.send_photos_for_others, PHOTO, KEYS, 20)
    minutes = 1 + int((time.monotonic() - began) / 60)
    assert set(outcomes) == {"200", "429"}
    assert outcomes["200"] <= PUBLIC_PHOTOS * minutes


def drain(answers: Iterator[object], revoking: subprocess.Popen[bytes], limit: float) -> None:
    """Reads answers until they end. Fails the test if they do not within `limit` seconds after the key was revoked."""
    revoked_at = float("inf")
    for _ in answers:
        if revoked_at == float("inf") and revoking.poll() is not None:
            revoked_at = time.monotonic()
        assert time.monotonic() - revoked_at < limit, "the stream goes on with a revoked key"


def test_a_stream_ends_soon_after_its_key_was_revoked(trial: Trial, guarded: Launched) -> None:
    limit = max(MAX_REVOKED_SECONDS, MAX_SLOWDOWN * trial.usual_seconds())
    key = made(guarded, "market")
    metadata, photos = [("authorization", f"Bearer {key}")], itertools.repeat(PHOTO_CALL)
    command = ["./launch.sh", "--access", "revoke", key.split("_")[1]]
    with grpc.insecure_channel(guarded.preprocess) as channel:
        answers = classifier_pb2_grpc.ClassifierServiceStub(channel).ClassifyStream(
            photos, metadata=metadata, timeout=300
        )
        assert next(answers).HasField("classification")
        with (
            subprocess.Popen(command, cwd=ROOT, env=guarded.environment, stderr=subprocess.DEVNULL) as revoking,
            pytest.raises(grpc.RpcError) as ended,
        ):
            drain(answers, revoking, limit)
    assert revoking.returncode == 0
    assert code_and_reason(ended.value) == (grpc.StatusCode.UNAUTHENTICATED, "KEY_REVOKED")


def over_grpc_with(system: Launched, key: str) -> str:
    """What comes of a call with this key: OK, or the reason of its refusal."""
    with grpc.insecure_channel(system.preprocess) as channel:
        stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
        try:
            stub.Classify(PHOTO_CALL, metadata=[("authorization", f"Bearer {key}")], timeout=60)
        except grpc.RpcError as refused:
            return reason_of_call(refused)
    return OK


def over_rest_with(system: Launched, key: str) -> str:
    headers = {"authorization": f"Bearer {key}"}
    answer = httpx.post(f"{system.web}/api/v1/classify", content=PHOTO, headers=headers, timeout=60)
    return str(answer.json().get("reason", OK))


def test_no_key_is_in_a_log_in_metrics_or_in_the_list_of_processes(guarded: Launched) -> None:
    keys = [guarded.key, new_secret().text, "verger_mine"]
    for send in (over_grpc_with, over_rest_with):
        assert [send(guarded, key) for key in keys] == [OK, "KEY_UNKNOWN", "KEY_UNKNOWN"]
    ports = ("VERGER_WEB_PORT", "VERGER_PREPROCESS_METRICS_PORT", "VERGER_INFERENCE_METRICS_PORT")
    found = {name: httpx.get(f"http://127.0.0.1:{guarded.ports[name]}/metrics", timeout=60).text for name in ports}
    found |= {path.name: path.read_text(errors="replace") for path in (guarded.home / "logs").iterdir()}
    found |= {str(pid): (PROC / str(pid) / "cmdline").read_text() for pid in guarded.pids("")}
    assert {"web.log", "preprocess.log", "mlflow.log"} <= set(found)
    form = re.compile(r"verger_[0-9a-f]{12}_|verger_mine")  # also finds the key that web has made for itself
    assert [name for name, text in found.items() if form.search(text)] == []
