"""Public services that other machines may reach, as processes of their own: they start with a key, and not without."""

import asyncio
import json
from pathlib import Path

import pytest

from services.access.database import open_database
from services.access.keys import Scope
from services.access.store import KeyStore
from tests.support.servers.mlflow_server import free_port
from tests.support.servers.services import service
from tests.support.waiting import eventually

SERVICES = ("web", "preprocess", "collection")


def settings_of(folder: Path, **changes: str) -> dict[str, str]:
    ports = {name: str(free_port()) for name in ("WEB", "PREPROCESS", "PREPROCESS_METRICS", "COLLECTION")}
    return {
        "VERGER_ACCESS_COMMAND": "keys-of-verger",
        "VERGER_ACCESS_DATABASE_URL": f"sqlite:///{folder / 'access.db'}",
        "VERGER_BIND_ADDRESS": "0.0.0.0",
        "VERGER_COLLECTION_METRICS_PORT": str(free_port()),
        "VERGER_HOME": str(folder),
        **{f"VERGER_{name}_PORT": port for name, port in ports.items()},
        **changes,
    }


def revoked_key(folder: Path) -> None:
    store = KeyStore(open_database(f"sqlite:///{folder / 'access.db'}"))
    store.revoke(store.make("shop", "anna", frozenset({Scope.CLASSIFY}), None).id)
    store.close()


@pytest.mark.parametrize("name", SERVICES)
async def test_a_service_on_the_network_says_how_to_make_a_key_instead_of_starting(name: str, tmp_path: Path) -> None:
    async with service(name, tmp_path, settings_of(tmp_path)) as process, asyncio.timeout(120):
        _, written = await process.communicate()
    assert process.returncode == 2
    *_, line = map(json.loads, written.splitlines())
    assert "keys-of-verger make --name admin --owner YOU --scope admin" in line["message"]
    assert "VERGER_ACCESS=open" in line["message"]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *((name, {"VERGER_ACCESS": "open"}) for name in SERVICES),
        *((name, {"VERGER_BIND_ADDRESS": "127.0.0.1"}) for name in SERVICES),
        *((name, {}) for name in SERVICES),
    ],
)
async def test_a_service_starts_where_it_is_safe_or_somebody_says_so_or_a_key_was_made(
    name: str, changes: dict[str, str], tmp_path: Path
) -> None:
    if not changes:
        revoked_key(tmp_path)
    written = b""
    async with service(name, tmp_path, settings_of(tmp_path, **changes)) as process:
        assert process.stderr is not None

        async def listens() -> bool:
            nonlocal written
            written += await process.stderr.readline()  # type: ignore[union-attr]
            return b'"listening"' in written or b"Uvicorn running" in written

        await eventually(listens, "the start")
