"""Quotas of several processes that share a real SQLite database, which goes away and comes back."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from services.access.database import open_database
from services.access.quotas import quotas as timing
from services.access.quotas.policy import Caller, Limits, Policy
from services.access.quotas.quotas import UNCOUNTED, Quotas
from services.access.store import KeyStore
from services.access.tables import QUOTAS
from services.common.errors import QuotaExceeded, QuotaTooSmall
from tests.support.waiting import eventually

SHOP, MARKET = Caller("key", "3f9a1c07b2de"), Caller("key", "8c21d0e4f5a6")


@dataclass
class Shared:
    """Processes before one database."""

    file: Path
    stack: AsyncExitStack
    limits: Limits = field(default_factory=lambda: Limits(photos=300, bytes=300_000))

    async def process(self) -> Quotas:
        store = KeyStore(open_database(f"sqlite:///{self.file}"))
        store.load()
        self.stack.callback(store.close)
        return await self.stack.enter_async_context(Quotas(store, Policy(key=self.limits)))

    def make_a_minute_pass(self) -> None:
        engine = open_database(f"sqlite:///{self.file}")
        with engine.begin() as connection:
            connection.execute(update(QUOTAS).values(at=QUOTAS.c.at - 61))
        engine.dispose()

    def take_away(self) -> None:
        self.file.rename(self.file.with_suffix(".away"))
        self.file.mkdir()  # which SQLite can't open

    def bring_back(self) -> None:
        self.file.rmdir()
        self.file.with_suffix(".away").rename(self.file)


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Shared]:
    async with AsyncExitStack() as stack:
        yield Shared(tmp_path / "access.db", stack)


async def admitted(quotas: Quotas, caller: Caller, photos: int = 1, size: int = 100) -> bool:
    try:
        await quotas.take(caller, photos, size)
    except QuotaExceeded:
        return False
    return True


async def flood(quotas: Quotas, caller: Caller, calls: int) -> int:
    """How many of these calls, ten at a time, are admitted."""
    count = 0
    for _ in range(calls // 10):
        count += sum(await asyncio.gather(*(admitted(quotas, caller) for _ in range(10))))
    return count


async def test_processes_together_admit_the_limit_and_at_most_a_hundredth_less_each(shared: Shared) -> None:
    processes = [await shared.process() for _ in range(4)]
    counts = await asyncio.gather(*(flood(process, SHOP, 200) for process in processes))
    assert 288 <= sum(counts) <= 300


async def test_a_flood_of_one_key_takes_nothing_from_another(shared: Shared) -> None:
    one, other = await shared.process(), await shared.process()
    flooded, sent = await asyncio.gather(flood(one, SHOP, 1000), flood(other, MARKET, 290))
    assert flooded == 300
    assert sent == 290


async def test_a_minute_later_the_same_may_be_sent_again(shared: Shared) -> None:
    before = await shared.process()
    assert await flood(before, SHOP, 400) == 300
    shared.make_a_minute_pass()
    after = await shared.process()  # the one before waits for the minute of its own clock
    assert await flood(after, SHOP, 400) == 300


async def test_a_refusal_says_which_limit_and_when_to_come_back(shared: Shared) -> None:
    quotas = await shared.process()
    await quotas.take(SHOP, 300, 0)
    with pytest.raises(QuotaExceeded, match=r"This key may send 300 photos a minute\. Wait \d+ s") as refused:
        await quotas.take(SHOP, 1, 10)
    assert refused.value.metadata == {"quota": "photos"}
    seconds = refused.value.retry_after_seconds
    assert seconds
    assert 0 < seconds <= 60
    assert refused.value.fields["RateLimit"].startswith('"photos";r=0;t=')
    with pytest.raises(QuotaExceeded):
        quotas.check(SHOP)


async def test_a_refused_call_takes_nothing_of_the_other_limit(shared: Shared) -> None:
    quotas = await shared.process()
    await quotas.take(SHOP, 1, 299_000)
    for _ in range(50):
        assert not await admitted(quotas, SHOP, photos=10, size=2_000)
    assert await admitted(quotas, SHOP, photos=299, size=1_000)


async def test_bytes_that_are_too_few_for_one_photo_stay_for_others(shared: Shared) -> None:
    one, other = await shared.process(), await shared.process()
    await one.take(SHOP, 1, 200_000)
    assert not await admitted(other, SHOP, size=150_000)
    assert await admitted(one, SHOP, size=100_000)


async def test_a_request_that_could_never_pass_is_told_so(shared: Shared) -> None:
    quotas = await shared.process()
    with pytest.raises(QuotaTooSmall, match="300 photos a minute, and this is more"):
        await quotas.take(SHOP, 301, 0)
    assert await admitted(quotas, SHOP, photos=300)


async def test_calls_at_once_are_limited_and_end(shared: Shared) -> None:
    shared.limits = Limits(calls=2)
    quotas = await shared.process()
    with ExitStack() as calls:
        for _ in range(2):
            calls.enter_context(quotas.call(SHOP))
        with pytest.raises(QuotaExceeded, match="2 calls at once") as refused:
            calls.enter_context(quotas.call(SHOP))
        calls.enter_context(quotas.call(MARKET))
    assert refused.value.metadata == {"quota": "calls"}
    assert refused.value.fields["RateLimit"] == '"calls";r=0'
    with quotas.call(SHOP):
        assert quotas.fields(SHOP)["RateLimit"] == '"calls";r=1'


async def test_while_the_database_is_away_calls_go_on_uncounted_and_one_line_says_so(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "RETRY_SECONDS", 0.05)
    quotas = await shared.process()
    assert await flood(quotas, SHOP, 400) == 300
    shared.take_away()
    before = UNCOUNTED._value.get()
    with capture_logs() as lines:
        assert await flood(quotas, MARKET, 500) == 500
        shared.bring_back()

        async def counted_again() -> bool:
            await admitted(quotas, MARKET)
            return [line["event"] for line in lines][-1:] == ["calls are counted again"]

        await eventually(counted_again, "the return of the database")
    assert [line["event"] for line in lines] == ["calls are not counted", "calls are counted again"]
    assert UNCOUNTED._value.get() >= before + 490
    assert await flood(quotas, MARKET, 400) <= 300


async def test_calls_that_come_while_the_database_fails_go_on_at_once(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "RETRY_SECONDS", 3600.0)
    quotas = await shared.process()
    asked, answered = threading.Event(), threading.Event()

    def fail(*_: object) -> None:
        asked.set()
        answered.wait()
        raise OSError("The database is away.")

    monkeypatch.setattr(KeyStore, "take", fail)
    first = asyncio.create_task(quotas.take(SHOP, 1, 100))
    await asyncio.to_thread(asked.wait)
    second = asyncio.create_task(quotas.take(MARKET, 1, 100))
    await asyncio.sleep(0)  # now it waits for the next question
    answered.set()
    await asyncio.wait_for(asyncio.gather(first, second), 60)
