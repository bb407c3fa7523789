"""A line to a server that carries only the first bytes of each connection, as if the client then stood still."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def broken_line(port: int, carried_bytes: int) -> Iterator[str]:
    """Yields an address. What is sent there reaches the port of this machine, up to so many bytes per connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        connections: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):  # the block has ended
                while True:
                    client, _ = server.accept()
                    service = socket.create_connection(("127.0.0.1", port))
                    connections.extend((client, service))
                    threading.Thread(target=_carry, args=(client, service, carried_bytes), daemon=True).start()
                    threading.Thread(target=_carry, args=(service, client, 2**62), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for connection in connections:
                connection.close()


def _carry(source: socket.socket, target: socket.socket, limit_bytes: int) -> None:
    left = limit_bytes
    with contextlib.suppress(OSError):  # either end has closed it
        while left and (data := source.recv(min(left, 2**16))):
            target.sendall(data)
            left -= len(data)
