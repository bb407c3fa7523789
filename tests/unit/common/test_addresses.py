"""Which addresses belong to one client, and which to proxies that are trusted."""

import pytest

from services.common.process.addresses import address_named, address_of, is_among


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 2001:db8:1:2:ffff::9 ", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("no:address", "no:address"),
        ("", ""),
        (99 * "x", 64 * "x"),
    ],
)
def test_a_proxy_names_an_address_or_anything_else(name: str, address: str) -> None:
    assert address_named(name) == address


@pytest.mark.parametrize(
    ("host", "proxies", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.2", "127.0.0.1", False),
        ("10.1.2.3", "192.0.2.1, 10.0.0.0/8", True),
        ("11.1.2.3", "192.0.2.1, 10.0.0.0/8", False),
        ("2001:db8:1:2:3::9", "2001:db8:1::/48", True),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::1", True),  # of one network, which is all that is remembered
        ("2001:db8:9::9", "2001:db8:1::/48", False),
        ("10.1.2.3", "2001:db8:1::/48", False),
        ("10.1.2.3", "*", True),
        ("10.1.2.3", "", False),
        ("unix", "unix", True),
        ("unix", "10.0.0.0/8", False),
    ],
)
def test_proxies_are_addresses_and_networks(host: str, proxies: str, expected: bool) -> None:
    assert is_among(address_of(host), proxies) is expected
