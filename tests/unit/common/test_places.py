import asyncio
from contextlib import ExitStack

import pytest

from services.common.capacity.limit import AdaptiveLimit
from services.common.capacity.places import Client, Places
from services.common.errors import Overloaded

ALICE, BOB, CAROL = (Client(name) for name in ("alice", "bob", "carol"))


def places_of(number: int) -> Places:
    return Places(AdaptiveLimit(number, number))


def taken(places: Places, client: Client, stack: ExitStack, wanted: int = 100) -> int:
    """Takes up to so many places, and returns how many there were."""
    for number in range(wanted):
        try:
            stack.enter_context(places.at_once(client))
        except Overloaded:
            return number
    return wanted


class Item:
    """Waits for a place, and holds it until it is told to end."""

    def __init__(self, places: Places, client: Client) -> None:
        self.started, self.end = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._hold(places, client))

    async def _hold(self, places: Places, client: Client) -> None:
        async with places.in_turn(client):
            self.started.set()
            await self.end.wait()


async def started(items: list[Item]) -> int:
    """How many items have a place, once nothing can change any more."""
    for _ in range(5):
        await asyncio.sleep(0)
    return sum(item.started.is_set() for item in items)


def test_a_client_alone_may_take_all_places_and_is_then_refused_with_a_hint() -> None:
    places = places_of(8)
    with ExitStack() as held:
        assert taken(places, ALICE, held) == 8
        with pytest.raises(Overloaded) as refusal, places.at_once(ALICE):
            pass
    assert refusal.value.retry_after_seconds
    with ExitStack() as held:
        assert taken(places, ALICE, held) == 8


def test_a_client_gets_its_share_even_when_another_holds_all_places() -> None:
    places = places_of(8)
    with ExitStack() as held:
        assert taken(places, ALICE, held) == 8
        assert taken(places, BOB, held) == 4
        assert taken(places, CAROL, held) == 3


def test_users_of_one_peer_get_their_shares() -> None:
    places = places_of(8)
    with ExitStack() as held:
        assert taken(places, Client("web", "busy"), held) == 8
        assert taken(places, Client("web", "quiet"), held) == 4


def test_a_peer_gains_nothing_by_inventing_users() -> None:
    places = places_of(8)
    with ExitStack() as held:
        invented = sum(taken(places, Client("forger", str(number)), held, 1) for number in range(100))
        assert invented <= 2 * 8
        assert taken(places, Client("web", "somebody"), held, 1) == 1


async def test_items_of_streams_leave_half_of_the_places_to_single_calls() -> None:
    places = places_of(8)
    items = [Item(places, ALICE) for _ in range(20)]
    assert await started(items) == 4
    with ExitStack() as held:
        assert taken(places, ALICE, held) == 4
    for item in items:
        item.task.cancel()


async def test_items_wait_for_their_turn_and_the_client_with_fewest_places_comes_first() -> None:
    places = places_of(8)
    busy = [Item(places, ALICE) for _ in range(20)]
    assert await started(busy) == 4
    quiet = [Item(places, BOB)]
    busy[0].end.set()
    assert await started(quiet) == 1
    assert await started(busy) == 4  # of which one has ended
    for item in busy + quiet:
        item.end.set()
    assert await started(busy) == 20


async def test_items_that_give_up_leave_the_queue_and_their_places() -> None:
    places = places_of(4)
    items = [Item(places, ALICE) for _ in range(4)]
    assert await started(items) == 2
    for item in items[:3]:
        item.task.cancel()
    assert await started(items[3:]) == 1
    items[3].task.cancel()
    await started(items)
    with ExitStack() as held:
        assert taken(places, BOB, held) == 4


async def test_a_place_is_not_lost_when_an_item_gives_up_as_it_gets_one() -> None:
    places = places_of(2)
    first, second = Item(places, ALICE), Item(places, ALICE)
    await started([first])
    first.end.set()
    await asyncio.sleep(0)
    second.task.cancel()
    third = Item(places, ALICE)
    assert await started([third]) == 1
    third.end.set()
