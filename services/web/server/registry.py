"""Counts the open connections, in all and by address, and makes room for new ones."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from typing import Protocol


class Connection(Protocol):
    """An open connection."""

    address: str
    """What services.common.process.addresses.address_of returned for its client."""

    @property
    def waiting_since(self) -> float | None:
        """When the client was last heard, in seconds of the event loop's clock; None while a request is answered."""

    def drop(self) -> None:
        """Closes the connection at once."""


class ConnectionRegistry:
    """The open connections of one server.

    When a limit is reached, the connection whose client has been silent the longest gives way to the new one, as in
    nginx. So clients that open many connections and send little crowd out themselves, and not those beside them.
    """

    def __init__(self, max_connections: int, max_per_address: int) -> None:
        """Sets the limits: connections in all, and connections of one address."""
        self._max_connections, self._max_per_address = max_connections, max_per_address
        self._by_address: defaultdict[str, set[Connection]] = defaultdict(set)
        self._count = 0

    def admit(self, connection: Connection) -> bool:
        """Adds a connection. Returns False if a limit is reached and every connection under it is being answered."""
        of_address = self._by_address[connection.address]
        if len(of_address) >= self._max_per_address and not self._drop_one_of(of_address):
            return False
        if self._count >= self._max_connections and not self._drop_one_of(chain(*self._by_address.values())):
            return False
        self._by_address[connection.address].add(connection)
        self._count += 1
        return True

    def release(self, connection: Connection) -> None:
        """Removes a connection; one that was refused or removed before is ignored."""
        of_address = self._by_address[connection.address]
        if connection in of_address:
            of_address.remove(connection)
            self._count -= 1
        if not of_address:
            del self._by_address[connection.address]

    def _drop_one_of(self, connections: Iterable[Connection]) -> bool:
        waiting = [(since, connection) for connection in connections if (since := connection.waiting_since) is not None]
        if not waiting:
            return False
        _, silent = min(waiting, key=lambda pair: pair[0])
        self.release(silent)
        silent.drop()
        return True
