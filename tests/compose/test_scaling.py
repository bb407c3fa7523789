"""Replicas of a service share its load, and one of them may stop."""

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.support.systems.composed import Composed
from tests.support.systems.uploads import PHOTO, Uploads
from tests.support.waiting import wait_until

# Port and metric that counts the answered photos or tensors of a replica.
COUNTERS = {
    "preprocess": (9101, 'verger_grpc_calls_total{code="OK",method="/verger.v1.ClassifierService/Classify"}'),
    "inference": (9102, 'verger_stage_seconds_count{stage="compute"}'),
}
PHOTOS = 240  # a replica whose connection has just been renewed gets nothing for a moment; that has to average out
REPLICAS = {"VERGER_INFERENCE_REPLICAS": "2", "VERGER_PREPROCESS_REPLICAS": "2"}


@pytest.fixture(scope="module")
def scaled(verger: Composed) -> Iterator[Composed]:
    """Two replicas of each service, added to the running system by the documented command."""
    before = [verger.containers(service) for service in COUNTERS]
    verger.compose("up", "--detach", "--wait", **REPLICAS)
    for service, (only,) in zip(COUNTERS, before, strict=True):
        assert only in verger.containers(service), f"the running {service} was replaced"
    yield verger
    verger.compose("up", "--detach", "--wait")
    verger.wait_ready()


def answered(verger: Composed, service: str) -> dict[str, float]:
    """Returns the number of answers so far by replica of a service."""
    port, counter = COUNTERS[service]
    read = f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:{port}/metrics', timeout=5).read().decode())"
    return {
        container: sum(
            float(line.split()[-1]) for line in verger.python(container, read).splitlines() if counter in line
        )
        for container in verger.containers(service)
    }


def shares(verger: Composed, before: dict[str, dict[str, float]]) -> dict[str, list[float]]:
    """Returns the number of answers of each replica since `before`."""
    return {
        service: [count - before[service][container] for container, count in answered(verger, service).items()]
        for service in COUNTERS
    }


@pytest.mark.usefixtures("scaled")
def test_two_replicas_of_each_share_the_load(verger: Composed) -> None:
    start = {service: answered(verger, service) for service in COUNTERS}
    with Uploads(verger):  # clients find a new replica when a connection reaches its maximum age of 10 s
        wait_until(lambda: all(min(counts) > 0 for counts in shares(verger, start).values()), 60, "a share for each")
    start = {service: answered(verger, service) for service in COUNTERS}
    with Uploads(verger, clients=4) as uploads:
        wait_until(lambda: len(uploads.answers) >= PHOTOS, 120, f"{PHOTOS} answers")
    assert {answer.status_code for answer in uploads.answers} == {200}
    assert uploads.lost == []
    for service, counts in shares(verger, start).items():
        assert len(counts) == 2
        fair = sum(counts) / 2
        assert all(0.8 * fair <= count <= 1.2 * fair for count in counts), (service, counts)


@pytest.mark.usefixtures("scaled")
@pytest.mark.parametrize("service", COUNTERS)
def test_no_upload_fails_when_one_replica_stops(verger: Composed, service: str) -> None:
    leaving, staying = verger.containers(service)
    with Uploads(verger, clients=4) as uploads:
        wait_until(lambda: len(uploads.answers) >= 20, what="load")
        assert verger.run("docker", "stop", leaving).returncode == 0
        stopped = len(uploads.answers)
        wait_until(lambda: len(uploads.answers) >= stopped + 40, 60, "answers of the one that stays")
        assert verger.run("docker", "start", leaving).returncode == 0
        wait_until(lambda: verger.inspect(leaving)[0]["State"]["Health"]["Status"] == "healthy", 120, "its return")
    assert staying in verger.containers(service)
    assert {answer.status_code for answer in uploads.answers} == {200}
    assert uploads.lost == []
    assert verger.classify(PHOTO).status_code == 200


@pytest.mark.usefixtures("scaled")
def test_an_update_that_fails_leaves_what_runs_and_the_next_one_mends_it(verger: Composed) -> None:
    before = set(verger.containers("inference"))
    failed = verger.run("scripts/update_containers.sh", **REPLICAS, VERGER_INFERENCE_MAX_IN_FLIGHT="many")
    assert failed.returncode == 1
    assert 'The new inference is not healthy, so the containers from before go on. "docker compose' in failed.stderr
    assert before < set(verger.containers("inference", "--all"))
    assert verger.classify(PHOTO).status_code == 200
    mended = verger.run("scripts/update_containers.sh", **REPLICAS)
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert set(verger.containers("inference", "--all")) == before


class Events:
    """What happens to the containers of a system until the block ends: (id, event), in this order."""

    def __init__(self, verger: Composed) -> None:
        kinds = ("event=die", "event=health_status", f"label=com.docker.compose.project={verger.project}")
        filters = [part for kind in kinds for part in ("--filter", kind)]
        command = ["docker", "events", "--since", str(time.time()), *filters, "--format", "{{.ID}} {{.Action}}"]
        self.seen: list[tuple[str, str]] = []
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        lines = self._process.communicate()[0].splitlines()
        self.seen = [(container, event) for container, _, event in (line.partition(" ") for line in lines)]


@pytest.mark.usefixtures("scaled")
def test_new_replicas_are_healthy_before_the_old_ones_stop_in_an_update(verger: Composed) -> None:
    """MLflow is updated, too, and what is up to date stays."""
    before = {service: verger.containers(service) for service in (*COUNTERS, "mlflow", "web")}
    changes = REPLICAS | {
        "VERGER_INFERENCE_MAX_IN_FLIGHT": "120",
        "VERGER_PREPROCESS_MAX_IN_FLIGHT": "30",
        "VERGER_MLFLOW_ALLOWED_HOSTS": "mlflow:5000,localhost:*,127.0.0.1:*,[::1]:*",
    }
    with Uploads(verger, clients=4) as uploads, Events(verger) as events:
        wait_until(lambda: len(uploads.answers) >= 20, what="load")
        updated = verger.run("scripts/update_containers.sh", **changes)
        assert updated.returncode == 0, updated.stdout + updated.stderr
        changed = len(uploads.answers)
        wait_until(lambda: len(uploads.answers) >= changed + 40, 120, "answers after the update")
    assert {answer.status_code for answer in uploads.answers} == {200}
    assert uploads.lost == []
    after = {service: verger.containers(service) for service in before}
    assert [len(containers) for containers in after.values()] == [2, 2, 1, 1]
    for service in COUNTERS:
        assert not set(before[service]) & set(after[service])
        ends = [events.seen.index((container, "die")) for container in before[service]]
        starts = [events.seen.index((container, "health_status: healthy")) for container in after[service]]
        assert max(starts) < min(ends), f"{service} stopped before its new containers were healthy: {events.seen}"
    assert after["mlflow"] != before["mlflow"]
    assert after["web"] == before["web"]
