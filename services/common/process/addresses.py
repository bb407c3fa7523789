"""Says which addresses belong to one client."""

from ipaddress import IPv6Address, ip_address, ip_network

MAX_NAME_CHARACTERS = 64
"""Most characters of what a proxy names, which need not be an address."""

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


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on a host: localhost, or an address with or without brackets."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def address_named(name: str) -> str:
    """Returns the same for what a proxy says of its client. It need not be an address at all."""
    name = name.strip()[:MAX_NAME_CHARACTERS]
    try:
        return address_of(name)
    except ValueError:
        return name


def is_among(address: str, proxies: str) -> bool:
    """Whether what address_of returned is among addresses and networks with commas between them; * stands for all."""
    return any(proxy == "*" or _is_within(address, proxy) for proxy in map(str.strip, proxies.split(",")))


def _is_within(address: str, proxy: str) -> bool:
    try:
        inner, outer = ip_network(address), ip_network(proxy, strict=False)
    except ValueError:
        return address == proxy
    if outer.version == 6 and outer.prefixlen > IPV6_PREFIX_BITS:
        outer = outer.supernet(new_prefix=IPV6_PREFIX_BITS)  # all that is known of an address
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]
