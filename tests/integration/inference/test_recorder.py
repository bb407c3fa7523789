"""What happens to a model in a real MLflow, as the audit in a real database has it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from engine.errors import VersionUnknown
from registry.acts import MAX_ACTS, PREFIX, Kind
from registry.models import Registry
from services.access.audit import Entry
from services.access.database import open_database
from services.access.journal import Journal
from services.access.store import KeyStore
from services.inference.recorder import record, recording
from tests.support.servers.mlflow_server import MlflowServer
from tests.support.tiny_model import tiny_version
from tests.support.waiting import eventually


class Watched:
    """A model with two versions, and processes that watch it."""

    def __init__(self, server: MlflowServer, name: str, folder: Path, stack: ExitStack) -> None:
        self.server = server
        self.registry = Registry(server.url, name)
        self.address = f"sqlite:///{folder / 'access.db'}"
        version = tiny_version(folder / "tiny")
        for _ in range(2):
            server.register(name, version, alias=None)
        server.set_alias(name, "champion", "1")
        self.journals = [Journal(open_database(self.address), name) for _ in range(2)]
        for journal in self.journals:
            stack.callback(journal.close)

    def look(self) -> None:
        """Each process looks once."""
        for journal in self.journals:
            record(self.registry, journal)

    def entries(self) -> list[Entry]:
        store = KeyStore(open_database(self.address))
        try:
            return list(store.audit())
        finally:
            store.close()

    @contextmanager
    def database_away(self) -> Iterator[None]:
        file = Path(self.address.removeprefix("sqlite:///"))
        file.rename(file.with_suffix(".away"))
        file.mkdir()  # which SQLite can't open
        yield
        file.rmdir()
        file.with_suffix(".away").rename(file)

    def told(self) -> list[tuple[str, str, str]]:
        return [(entry.who, entry.action, entry.result) for entry in self.entries()]


@pytest.fixture
def watched(
    mlflow_server: MlflowServer, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watched]:
    monkeypatch.setenv("VERGER_OPERATOR", "anna")
    with ExitStack() as stack:
        yield Watched(mlflow_server, request.node.name, tmp_path, stack)


def test_a_promotion_has_its_operator_and_is_written_once(watched: Watched) -> None:
    watched.look()
    with watched.registry.noting(Kind.PROMOTE, "version 2"):
        watched.registry.promote("2")
        watched.look()
    watched.look()
    assert watched.told() == [("anna", "version promoted", "begun"), ("anna", "version promoted", "done")]
    last = watched.entries()[-1]
    assert last.subject.endswith(" version 2")
    assert last.place.startswith("trainer on ")
    assert last.details == {"previous": "1", "champion": "2"}


def test_what_failed_is_written_with_its_reason(watched: Watched) -> None:
    watched.look()
    with pytest.raises(VersionUnknown), watched.registry.noting(Kind.PROMOTE, "version 9"):
        watched.registry.promote("9")
    with pytest.raises(KeyboardInterrupt), watched.registry.noting(Kind.TRAIN, "fruits"):
        raise KeyboardInterrupt
    watched.look()
    failures = [("anna", "version promoted", "VERSION_UNKNOWN"), ("anna", "model trained", "stopped")]
    assert watched.told() == failures


def test_an_alias_that_somebody_moves_in_mlflow_is_noticed_once(watched: Watched) -> None:
    watched.look()
    watched.server.set_alias(watched.registry.name, "champion", "2")
    watched.look()
    watched.look()
    (entry,) = watched.entries()
    assert (entry.who, entry.action) == ("unknown", "alias moved outside Verger")
    assert entry.subject == f"{watched.registry.name} champion"
    assert entry.details == {"from": "1", "to": "2"}


def test_another_process_goes_on_when_the_one_that_watches_has_ended(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.look()
    first, second = watched.journals
    assert [first.hold(), second.hold()] == [True, False]
    monkeypatch.setattr("services.access.journal.HOLD", timedelta(seconds=-10))
    assert first.hold()  # and it is over at once
    assert second.hold()
    assert not first.write({"aliases": {}, "results": {}}, [])
    watched.server.set_alias(watched.registry.name, "champion", "2")
    record(watched.registry, second)
    assert [action for _, action, _ in watched.told()] == ["alias moved outside Verger"]


def test_mlflow_keeps_the_newest_acts_alone(watched: Watched) -> None:
    for _ in range(MAX_ACTS + 3):
        with watched.registry.noting(Kind.IMPORT):
            pass
    tags = watched.registry._client.get_registered_model(watched.registry.name).tags
    assert len([key for key in tags if key.startswith(PREFIX)]) == MAX_ACTS


async def test_a_service_records_while_it_runs_and_outlives_a_database_that_is_away(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.inference.recorder.POLL_SECONDS", 0.05)
    with watched.registry.noting(Kind.IMPORT):
        pass
    actions = ["release imported"]

    async def are_noticed() -> bool:
        return [action for _, action, _ in watched.told()] == actions

    async with recording(watched.registry, watched.address):
        await eventually(are_noticed, "the first look")
        with watched.database_away():
            watched.server.set_alias(watched.registry.name, "champion", "2")
        actions.append("alias moved outside Verger")
        await eventually(are_noticed, "the move")
