from engine.settings import available_cores


def test_there_is_at_least_one_core() -> None:
    assert available_cores() >= 1
