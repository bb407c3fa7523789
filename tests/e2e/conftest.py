"""The launched system, once for all end-to-end tests."""

from collections.abc import Iterator

import pytest

from tests.support.launched import Launched


@pytest.fixture(scope="session")
def verger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """Started from nothing: its environment is set up as on a new machine."""
    system = Launched(tmp_path_factory.mktemp("verger"))
    started = system.launch("--detach")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        yield system
    finally:
        system.launch("--stop")
