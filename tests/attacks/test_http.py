"""Clients that misuse HTTP keep nobody else waiting, and their connections end."""

import pytest

from tests.support.attacks import over_http
from tests.support.attacks.target import Target
from tests.support.attacks.trial import Trial

CLOSES_WITHIN_SECONDS = 60
"""Longer than any limit of a request that does not go on."""


def test_an_endless_header_is_refused(trial: Trial) -> None:
    outcomes, _ = trial.run(over_http.send_endless_headers, 4)
    assert set(outcomes) <= {"431", "CLOSED"}


def test_a_form_of_endless_parts_is_refused(trial: Trial) -> None:
    outcomes, _ = trial.run(over_http.send_tiny_parts, "note", 4)
    assert set(outcomes) <= {"400", "413", "CLOSED"}


def test_a_form_of_endless_empty_files_is_refused(trial: Trial) -> None:
    outcomes, _ = trial.run(over_http.send_tiny_parts, "file", 4)
    assert set(outcomes) <= {"400", "413", "CLOSED"}


def test_requests_whose_answers_nobody_reads_take_bounded_memory(trial: Trial) -> None:
    outcomes, _ = trial.run(over_http.pipeline_without_reading, 200_000, 4)
    assert set(outcomes) <= {"OPEN", "CLOSED"}


def test_requests_that_never_end_are_closed(trial: Trial) -> None:
    outcomes, _ = trial.run(over_http.hold_half_requests, CLOSES_WITHIN_SECONDS, 90)
    assert {outcome for outcome in outcomes if outcome.endswith("OPEN")} == set()


def test_uploads_that_stop_half_way_leave_room_for_others(trial: Trial) -> None:
    trial.run(over_http.hold_half_uploads, 8, 64)


def test_many_connections_of_one_address_leave_room_for_others(trial: Trial) -> None:
    outcomes, _ = trial.run(over_http.hold_connections, 5, 3000)
    assert outcomes["idle: CLOSED"] > outcomes["idle: OPEN"]


@pytest.mark.parametrize("hosts", ["", "Host: a\r\nHost: b\r\n", "Host: a b\r\n"], ids=["none", "two", "not a name"])
def test_a_request_without_one_proper_host_is_refused(target: Target, hosts: str) -> None:
    answer = over_http.request(target, f"GET /healthz HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_redirects_do_not_follow_the_host_that_a_client_names(target: Target) -> None:
    answer = over_http.request(
        target, b"GET /api/v1/model/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 ")
    assert b"evil.example" not in answer


def test_text_of_a_client_forges_no_line_of_the_log(trial: Trial) -> None:
    forged = b"%0a%7b%22event%22:%22FORGED77%22%7d"
    text = b"GET /" + forged + b" HTTP/1.1\r\nHost: x\r\nX-Request-ID: FORGED77\r\n\r\n"
    outcomes, entries = trial.run(over_http.send_requests, text, 50)
    assert set(outcomes) == {"404"}
    assert [entry for entry in entries if "FORGED77" in str(entry["event"])] == []
