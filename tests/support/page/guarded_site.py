"""Web services that ask for keys, before one database, and visitors who sign in there."""

import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from sqlalchemy import create_engine, func, select

from services.access.keys import Scope
from services.access.store import KeyStore
from services.access.tables import SESSIONS
from tests.support.page.forms import token_in
from tests.support.page.scripted_classifier import form, web_server
from tests.support.pictures.photos import encoded, scene

PHOTO = encoded(scene())


@dataclass
class Visitor:
    """A browser without JavaScript: it keeps cookies and sends the forms that it was shown."""

    client: httpx.AsyncClient

    async def sign_in(self, key: str, **options: str) -> httpx.Response:
        shown = await self.client.get("/sign-in", headers=options)
        return await self.client.post("/sign-in", data={"csrf": token_in(shown), "key": key}, headers=options)

    async def send(self, token: str | None = None, **headers: str) -> httpx.Response:
        """Sends a photo with the token of the page that is shown now, or with another one."""
        fields = {"csrf": token_in(await self.client.get("/")) if token is None else token}
        return await self.client.post("/predict", data=fields, files=form(("a.jpg", PHOTO)), headers=headers)

    async def reason(self, token: str) -> str:
        answer = await self.send(token)
        return reason_in(answer) if answer.status_code != 200 else ""


def reason_in(page: httpx.Response) -> str:
    found = re.search(r'data-reason="(\w+)"', page.text)
    assert found, page.text
    return found[1]


@dataclass
class GuardedSite:
    """Web services before one database and one scripted preprocess."""

    store: KeyStore
    file: Path
    preprocess_port: int
    stack: AsyncExitStack
    address: str = ""

    async def start_web(self, **options: object) -> str:
        settings = {"access": "keys", "access_database_url": f"sqlite:///{self.file}"} | options
        return await self.stack.enter_async_context(web_server(self.preprocess_port, **settings))

    async def visitor(self, address: str | None = None) -> Visitor:
        client = httpx.AsyncClient(base_url=address or self.address, timeout=60)
        return Visitor(await self.stack.enter_async_context(client))

    def key(self, name: str = "shop", *scopes: Scope, lifetime: timedelta | None = None) -> str:
        return self.store.make(name, "anna", frozenset(scopes or {Scope.CLASSIFY}), lifetime).text

    def sessions(self) -> int:
        engine = create_engine(f"sqlite:///{self.file}")
        with engine.begin() as connection:
            count = connection.execute(select(func.count()).select_from(SESSIONS)).scalar_one()
        engine.dispose()
        return count

    def take_away_database(self) -> None:
        self.file.rename(self.file.with_suffix(".away"))
        self.file.mkdir()
