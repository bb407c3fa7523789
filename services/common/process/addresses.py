"""Says which addresses belong to one client."""

from ipaddress import IPv6Address, ip_address, ip_network

IPV6_PREFIX_BITS = 64
"""Addresses that share this prefix count as one client, because providers give each customer at least a /64."""


def address_of(host: str) -> str:
    """Returns what identifies the client with this IP address: the address itself, or an IPv6 address's network."""
    if ":" not in host:
        return host
    address = ip_address(host)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), IPV6_PREFIX_BITS), strict=False))
