"""Who counts as one client."""

from typing import Any, cast

import grpc
import pytest

from services.common.capacity.places import Client
from services.common.process.addresses import address_of
from services.common.rpc.clients import current_client, identify


class Call:
    """What gRPC tells about a call."""

    def __init__(self, peer: str, **metadata: str) -> None:
        self._peer, self._metadata = peer, [(key.replace("_", "-"), value) for key, value in metadata.items()]

    def peer(self) -> str:
        return self._peer

    def invocation_metadata(self) -> list[tuple[str, str]]:
        return self._metadata


@pytest.mark.parametrize(
    ("call", "client"),
    [
        (Call("ipv4:192.0.2.7:50123"), Client("192.0.2.7")),
        (Call("ipv6:%5B2001:db8:1:2:3::1%5D:50123"), Client("2001:db8:1:2::/64")),
        (Call("unix:"), Client("unix")),
        (Call("ipv4:192.0.2.7:1", x_forwarded_for="198.51.100.1"), Client("192.0.2.7", "198.51.100.1")),
        (Call("ipv4:192.0.2.7:1", x_forwarded_for="invented, 198.51.100.1"), Client("192.0.2.7", "198.51.100.1")),
        (Call("ipv4:192.0.2.7:1", x_forwarded_for="2001:db8:1:2:ffff::9"), Client("192.0.2.7", "2001:db8:1:2::/64")),
        (
            Call("ipv4:192.0.2.7:1", x_forwarded_for="no:address" + 99 * "!"),
            Client("192.0.2.7", "no:address" + 54 * "!"),
        ),
    ],
)
def test_a_client_is_a_machine_and_whom_it_names(call: Call, client: Client) -> None:
    assert identify(cast("grpc.aio.ServicerContext[Any, Any]", call)) == client
    assert current_client() == client


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
    ],
)
def test_an_ipv6_network_counts_as_one_client(host: str, address: str) -> None:
    assert address_of(host) == address
