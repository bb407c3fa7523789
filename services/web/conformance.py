"""What HTTP asks of every request and answer, whatever the route. Pure functions on ASGI's raw headers."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from services.web.problems import HostInvalid

Headers = Sequence[tuple[bytes, bytes]]

_HOST = re.compile(rb"(?:[a-z0-9._~%-]+|\[[0-9a-f:.]+\])(?::\d{0,5})?", re.IGNORECASE)
"""uri-host and port of RFC 9110, section 7.2, without the delimiters that no host has."""


def check_host(headers: Headers, http_version: str) -> None:
    """Checks that a request names its host once (RFC 9112, section 3.2). HTTP/1.0 may leave it out.

    Raises:
        HostInvalid: the Host header is missing, repeated or malformed.
    """
    hosts = [value for name, value in headers if name == b"host"]
    if not hosts and http_version == "1.0":
        return
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        raise HostInvalid("Send exactly one Host header, with the name or address of this server.")


def own_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Returns an answer's headers with relative redirects, and with no-store where nothing says how to cache it.

    A redirect of Verger always leads to Verger. Its host and scheme, as the client or a proxy sees them, may be others
    than those of the request that arrived here.
    """
    sent = [(name, _relative(value) if name == b"location" else value) for name, value in headers]
    if not any(name == b"cache-control" for name, _ in headers):
        sent.append((b"cache-control", b"no-store"))
    return sent


def _relative(location: bytes) -> bytes:
    parts = urlsplit(location)
    return b"/" + parts.path.lstrip(b"/") + (b"?" + parts.query if parts.query else b"")
