"""Short forms of the commands for the night."""

from tests.nightly.chaos.faults import killed, stopped
from tests.nightly.chaos.run import suffer
from tests.nightly.fuzz.run import fuzz
from tests.support.systems.launched import Launched


def test_a_short_fuzz_run_finds_nothing(verger: Launched) -> None:
    assert fuzz(verger, pictures=300, requests=30, messages=300, seed=1) == []


def test_a_killed_service_is_back_and_nobody_got_a_wrong_answer(verger: Launched) -> None:
    noticed = suffer(verger, "preprocess", "killed", killed)
    assert noticed.photos > noticed.failed.total()
    assert noticed.failed["WRONG"] == 0


def test_a_stopped_service_goes_on_and_nobody_got_a_wrong_answer(verger: Launched) -> None:
    noticed = suffer(verger, "inference", "stopped", stopped)
    assert noticed.photos > noticed.failed.total()
    assert noticed.failed["WRONG"] == 0
