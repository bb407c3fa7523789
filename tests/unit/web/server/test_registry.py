"""Who gives way when too many connections are open."""

from services.web.server.registry import ConnectionRegistry


class Client:
    """A connection; waiting_since is None while its request is answered."""

    def __init__(self, address: str, waiting_since: float | None) -> None:
        self.address, self.waiting_since, self.is_dropped = address, waiting_since, False

    def drop(self) -> None:
        self.is_dropped = True


def test_the_connection_that_was_silent_the_longest_gives_way_to_one_of_its_address() -> None:
    registry = ConnectionRegistry(100, 3)
    clients = [Client("a", 30.0), Client("a", 10.0), Client("a", 20.0)]
    other, newcomer = Client("b", 1.0), Client("a", 40.0)
    assert all(registry.admit(client) for client in [*clients, other, newcomer])
    assert [client.is_dropped for client in [*clients, other, newcomer]] == [False, True, False, False, False]


def test_over_all_addresses_the_most_silent_one_gives_way() -> None:
    registry = ConnectionRegistry(2, 2)
    clients = [Client("a", 10.0), Client("b", 20.0), Client("c", 30.0)]
    assert all(registry.admit(client) for client in clients)
    assert [client.is_dropped for client in clients] == [True, False, False]


def test_a_request_that_is_answered_gives_way_to_nobody() -> None:
    registry = ConnectionRegistry(3, 2)
    busy = [Client("a", None), Client("a", None)]
    assert all(registry.admit(client) for client in busy)
    assert not registry.admit(Client("a", 1.0))
    assert registry.admit(Client("b", None))
    assert not registry.admit(Client("c", 1.0))
    assert not any(client.is_dropped for client in busy)


def test_places_become_free_again_and_only_once() -> None:
    registry = ConnectionRegistry(1, 1)
    first, second = Client("a", None), Client("a", None)
    assert registry.admit(first)
    assert not registry.admit(second)
    registry.release(second)  # a refused connection ends as well
    assert not registry.admit(second)
    registry.release(first)
    registry.release(first)
    assert registry.admit(second)
    assert not registry.admit(first)
