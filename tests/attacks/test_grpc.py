"""Clients that misuse gRPC keep nobody else waiting, and learn what they did wrong."""

import json

import pytest

from tests.support.attacks import over_grpc, pictures
from tests.support.attacks.trial import Trial
from tests.support.pictures.photos import encoded, scene

FORGED = {"event": "FORGED77", "level": "error", "service": "inference"}
FORGED_LINE = f"x\n{json.dumps(FORGED)}\n"


def test_twelve_busy_streams_of_one_client_leave_room_for_others(trial: Trial) -> None:
    outcomes, _ = trial.run(over_grpc.send_streams, encoded(scene((1600, 1067))), 40, 12)
    assert outcomes["OK"] > 0


def test_streams_of_20_mb_photos_take_bounded_memory(trial: Trial) -> None:
    outcomes, _ = trial.run(over_grpc.send_streams, pictures.largest_photo(), 3, 32)
    assert set(outcomes) <= {"OK", "OVERLOADED", "OK, OVERLOADED"}


def test_messages_that_can_not_be_read_have_a_code_of_their_own(trial: Trial) -> None:
    outcomes, entries = trial.run(over_grpc.send_messages, over_grpc.random_messages(100, seed=7))
    assert set(outcomes) <= {"INTERNAL", "INVALID_ARGUMENT"}
    assert [entry for entry in entries if "exception" in entry] == []


def test_calls_that_are_reset_at_once_do_no_harm(trial: Trial) -> None:
    trial.run(over_grpc.reset_rapidly, 10_000, 4)


def test_pings_without_an_end_do_no_harm(trial: Trial) -> None:
    trial.run(over_grpc.ping_without_end, 100_000, 4)


def test_messages_that_never_end_take_bounded_memory(trial: Trial) -> None:
    trial.run(over_grpc.hold_half_messages, pictures.largest_photo(), 19 * 2**20, 5, 40)


@pytest.mark.parametrize("attack", [over_grpc.say_goodbye, over_grpc.send_request_ids])
def test_text_of_a_client_forges_no_line_of_the_log(trial: Trial, attack: object) -> None:
    text = FORGED_LINE.encode() if attack is over_grpc.say_goodbye else FORGED_LINE
    _, entries = trial.run(attack, text, 20)
    assert [entry for entry in entries if entry["event"] == FORGED["event"]] == []
