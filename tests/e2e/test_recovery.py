"""Killed programs restart, and requests in the meantime are answered or refused with a reason."""

import os
import signal
from contextlib import suppress

import httpx
import pytest
from playwright.sync_api import Browser, Request, expect

from tests.support.systems.launched import Launched
from tests.support.systems.uploads import PHOTO, PHOTO_FILE, Uploads
from tests.support.waiting import wait_until


def is_healthy(mlflow: str) -> bool:
    try:
        return httpx.get(f"{mlflow}/health", timeout=5).is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("program", ["services.inference", "services.preprocess", "mlflow server"])
def test_a_killed_program_restarts(verger: Launched, program: str) -> None:
    verger.wait_ready()
    with Uploads(verger) as uploads:
        wait_until(lambda: uploads.answers, what="a first answer")
        before = verger.pids(program)
        assert before
        for pid in before[:1] if program == "mlflow server" else before:
            with suppress(ProcessLookupError):  # some end with their parent
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: set(verger.pids(program)) - set(before), 60, f"a new {program}")
        killed = len(uploads.answers)
        wait_until(lambda: uploads.answered_since(killed + 1), 60, "an answer after the kill")
        verger.wait_ready()
    for answer in uploads.answers:
        assert answer.status_code == 200 or answer.json()["reason"], answer.text
    assert uploads.lost == []
    if program == "mlflow server":
        assert {answer.status_code for answer in uploads.answers} == {200}
        wait_until(lambda: is_healthy(verger.mlflow), 60, "MLflow")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_web_service_restarts_after_a_signal(verger: Launched, number: signal.Signals) -> None:
    """It also restarts after SIGTERM if launch.sh did not stop it."""
    verger.wait_ready()
    pid = verger.serving_web()
    os.kill(pid, number)
    wait_until(lambda: pid not in verger.pids("services.web"), 60, "its end")
    verger.wait_ready()
    assert verger.answer(PHOTO)["verdict"] == "RECOGNISED"


def test_a_spare_web_process_takes_over_from_a_killed_one(verger: Launched) -> None:
    verger.wait_ready()
    wait_until(lambda: len(verger.pids("services.web")) == 2, what="the spare")
    killed = verger.serving_web()
    (spare,) = set(verger.pids("services.web")) - {killed}
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: killed not in verger.pids("services.web"), what="its end")
    assert verger.serving_web() == spare
    verger.wait_ready()
    assert verger.answer(PHOTO)["verdict"] == "RECOGNISED"


def test_the_page_retries_a_photo_when_the_web_service_is_killed(verger: Launched, browser: Browser) -> None:
    verger.wait_ready()
    lost: list[Request] = []
    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.on("requestfailed", lambda request: lost.append(request))
        page.goto(verger.web)
        pid = verger.serving_web()
        os.kill(pid, signal.SIGSTOP)  # accepts the photo and does not answer
        with page.expect_request("**/predict"):
            page.set_input_files("#photo", PHOTO_FILE)
        os.kill(pid, signal.SIGKILL)
        expect(page.locator("#result .answer h2")).to_have_text("Banana", timeout=30_000)
    # The killed process loses the photo. A browser that opens a new connection for it is answered by the spare process,
    # because nobody has accepted that connection yet. Containers of other tests change the machine's network.
    ours = {request.url for request in lost if request.failure != "net::ERR_NETWORK_CHANGED"}
    assert ours <= {f"{verger.web}/predict"}
