"""No upload fails while services are restarted, replaced or stopped, through the API and on the page."""

import threading

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from playwright.sync_api import Browser, Request, expect

from tests.support.systems.composed import Composed
from tests.support.systems.uploads import Uploads
from tests.support.waiting import wait_until

RENEW = ("up", "--build", "--detach", "--no-deps", "--force-recreate", "--wait")
"""Replaces a container by a new one with another address, as a rebuild does."""


def change_under_load(verger: Composed, *change: str) -> None:
    """Runs docker compose with these arguments under load. Fails the test if an upload fails."""
    with Uploads(verger, clients=4) as uploads:
        wait_until(lambda: len(uploads.answers) >= 20, what="load")
        verger.compose(*change)
        changed = len(uploads.answers)
        wait_until(lambda: len(uploads.answers) >= changed + 40, 120, "answers after the change")
    assert {answer.status_code for answer in uploads.answers} == {200}
    assert uploads.lost == []


@pytest.mark.parametrize("service", ["inference", "preprocess"])
def test_no_upload_fails_during_a_restart(verger: Composed, service: str) -> None:
    before = verger.inspect(*verger.containers(service))[0]
    change_under_load(verger, "restart", service)
    after = verger.inspect(*verger.containers(service))[0]
    assert after["Id"] == before["Id"]
    assert after["State"]["StartedAt"] != before["State"]["StartedAt"]


@pytest.mark.parametrize("service", ["inference", "preprocess", "mlflow"])
def test_no_upload_fails_during_a_rebuild(verger: Composed, service: str) -> None:
    before = verger.containers(service)
    change_under_load(verger, *RENEW, service)
    assert not set(before) & set(verger.containers(service))


def test_the_page_gets_its_answers_while_the_web_service_is_rebuilt(verger: Composed, browser: Browser) -> None:
    """The only container refuses connections for some time, and the page retries."""
    before, lost = verger.containers("web"), list[Request]()
    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.on("requestfailed", lambda request: lost.append(request))
        page.goto(verger.web)
        renewal = threading.Thread(target=lambda: verger.compose(*RENEW, "web"))
        renewal.start()
        while renewal.is_alive():
            for label in ("banana", "kiwi"):
                page.get_by_role("button", name=label).click()
                expect(page.locator(f"#result .answer img[src*={label}]")).to_be_visible(timeout=30_000)
        renewal.join()
    assert not set(before) & set(verger.containers("web"))
    assert f"{verger.web}/predict" in {request.url for request in lost}, (
        "no connection was refused, so the test proves nothing"
    )


@pytest.mark.parametrize("service", ["inference", "preprocess", "web"])
def test_a_service_stops_cleanly_within_the_grace_period(verger: Composed, service: str) -> None:
    (container,) = verger.containers(service)
    verger.compose("stop", service)
    state = verger.inspect(container)[0]["State"]
    verger.compose("up", "--detach", "--wait")
    assert state["ExitCode"] == 0
    assert not state["OOMKilled"]


def test_health_is_not_serving_before_preprocess_stops_listening(verger: Composed) -> None:
    """gRPC clients that watch the health of preprocess learn that it is about to stop."""
    verger.compose("up", "--detach", "--wait", layers=["compose.grpc.yml"])
    with grpc.insecure_channel(verger.preprocess) as channel:
        service = health_pb2.HealthCheckRequest(service="verger.v1.ClassifierService")
        watch = health_pb2_grpc.HealthStub(channel).Watch(service, timeout=120)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        stop = threading.Thread(target=lambda: verger.compose("stop", "preprocess", layers=["compose.grpc.yml"]))
        stop.start()
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        stop.join()
    verger.compose("up", "--detach", "--wait")
