"""Attackers over HTTP. Each function is one wave of an attack, and returns how often each outcome occurred.

Outcomes are reasons, statuses of HTTP, or: CLOSED, the server closed the connection; OPEN, it did not; SENT, everything
was sent.
"""

import contextlib
import re
import resource
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPException
from itertools import cycle, islice

import httpx

from services.access.keys import new_secret
from services.access.sessions import new_link_token
from tests.support.attacks.target import ADDRESS, Target, at_once, is_closed

TIMEOUT_SECONDS = 60.0
MIB = 2**20

OPENERS = 64
OPENING_SECONDS = 5.0
"""Connections that are held are opened by so many threads, each in at most so many seconds."""


def send_pictures(target: Target, pictures: Sequence[bytes], count: int) -> Counter[str]:
    """Uploads `count` pictures at once."""
    waiting = list(islice(cycle(pictures), count))

    def attack() -> str:
        transport = httpx.HTTPTransport(verify=False, local_address=ADDRESS)
        with httpx.Client(base_url=target.web, transport=transport, timeout=TIMEOUT_SECONDS) as client:
            try:
                response = client.post("/api/v1/classify", content=waiting.pop())
            except httpx.TransportError:
                return "CLOSED"
        return "OK" if response.status_code == 200 else str(response.json()["reason"])

    return at_once(count, attack)


def send_tiny_parts(target: Target, name: str, count: int) -> Counter[str]:
    """Sends forms of 1.5 million parts without content."""
    part = b'--X\r\nContent-Disposition: form-data; name="%s"\r\n\r\n\r\n' % name.encode()
    block = part * 1000

    def attack() -> str:
        head = b"POST /api/v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=X\r\n"
        head += b"Content-Length: %d\r\n\r\n" % (1500 * len(block) + 7)
        return _send_all(target, head, 1500 * [block], b"--X--\r\n")

    return at_once(count, attack)


def send_endless_headers(target: Target, count: int) -> Counter[str]:
    """Sends 100 MB as one header."""
    head = b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: "
    return at_once(count, lambda: _send_all(target, head, 1600 * [b"a" * 2**16], b"\r\n\r\n"))


def pipeline_without_reading(target: Target, requests: int, count: int) -> Counter[str]:
    """Sends many requests on one connection and reads no answer."""
    block = 1000 * b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

    def attack() -> str:
        with _connect(target) as connection:
            connection.settimeout(2)
            try:
                for _ in range(requests // 1000):
                    connection.sendall(block)
            except TimeoutError:
                return "OPEN"  # the server takes no more
            except OSError:
                return "CLOSED"
            target.hold(lambda: not is_closed(connection), 5)
            return "SENT"

    return at_once(count, attack)


def hold_half_requests(target: Target, seconds: float, count: int) -> Counter[str]:
    """Opens connections and finishes no request: some stop within a header, some send a byte at a time."""
    head = b"POST /api/v1/classify HTTP/1.1\r\nHost: x\r\n"
    body = head + b"Content-Length: %d\r\n\r\n" % (20 * MIB)
    starts = {"header": head + b"X-Long: ", "dripping header": head + b"X-Long: ", "dripping body": body}
    return _hold(target, starts, seconds, count, drips="dripping")


def hold_half_uploads(target: Target, seconds: float, count: int) -> Counter[str]:
    """Uploads the first 19 of 20 MiB on each connection, and no more."""
    head = b"POST /api/v1/classify HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (20 * MIB)
    return _hold(target, {"upload": head + bytes(19 * MIB)}, seconds, count)


def hold_connections(target: Target, seconds: float, count: int) -> Counter[str]:
    """Opens connections and sends nothing."""
    return _hold(target, {"idle": b""}, seconds, count)


def send_requests(target: Target, text: bytes, count: int) -> Counter[str]:
    """Sends the same bytes on several connections."""
    return at_once(count, lambda: _send_all(target, text, [], b""))


def send_wrong_keys(target: Target, keys: int, connections: int) -> Counter[str]:
    """Asks for the model with as many keys, none of which exists, over connections that are kept."""

    def attack() -> Counter[str]:
        outcomes: Counter[str] = Counter()
        connection = HTTPConnection("127.0.0.1", target.web_port, TIMEOUT_SECONDS, source_address=(ADDRESS, 0))
        with closing(connection):
            for _ in range(keys // connections):
                try:
                    connection.request("GET", "/api/v1/model", headers={"Authorization": f"Bearer {new_secret().text}"})
                    response = connection.getresponse()
                    response.read()
                    outcomes[str(response.status)] += 1
                except (OSError, HTTPException):
                    outcomes["CLOSED"] += 1
        return outcomes

    with ThreadPoolExecutor(connections) as threads:
        return sum(threads.map(lambda _: attack(), range(connections)), Counter[str]())


def send_wrong_links(target: Target, links: int, connections: int) -> Counter[str]:
    """Tries as many links to sign in with, none of which exists, with the form of the page."""
    shown = HTTPConnection("127.0.0.1", target.web_port, TIMEOUT_SECONDS, source_address=(ADDRESS, 0))
    with closing(shown):
        shown.request("GET", "/sign-in")
        response = shown.getresponse()
        (token,) = re.findall(r'name="csrf" value="(\w+)"', response.read().decode())
        cookie = str(response.headers["Set-Cookie"]).partition(";")[0]
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}

    def attack() -> Counter[str]:
        outcomes: Counter[str] = Counter()
        connection = HTTPConnection("127.0.0.1", target.web_port, TIMEOUT_SECONDS, source_address=(ADDRESS, 0))
        with closing(connection):
            for _ in range(links // connections):
                try:
                    connection.request("POST", "/sign-in", f"csrf={token}&key={new_link_token()}", headers)
                    response = connection.getresponse()
                    response.read()
                    outcomes[str(response.status)] += 1
                except (OSError, HTTPException):
                    outcomes["CLOSED"] += 1
        return outcomes

    with ThreadPoolExecutor(connections) as threads:
        return sum(threads.map(lambda _: attack(), range(connections)), Counter[str]())


def send_photos_for_others(target: Target, photo: bytes, photos: int, connections: int) -> Counter[str]:
    """Sends photos without a key, each of them in the name of another address."""

    def attack(first: int) -> Counter[str]:
        outcomes: Counter[str] = Counter()
        connection = HTTPConnection("127.0.0.1", target.web_port, TIMEOUT_SECONDS, source_address=(ADDRESS, 0))
        with closing(connection):
            for number in range(first, photos, connections):
                claim = {"X-Forwarded-For": f"198.51.{number // 250 % 250}.{number % 250}"}
                try:
                    connection.request("POST", "/api/v1/classify", body=photo, headers=claim)
                    response = connection.getresponse()
                    response.read()
                    outcomes[str(response.status)] += 1
                except (OSError, HTTPException):
                    outcomes["CLOSED"] += 1
        return outcomes

    with ThreadPoolExecutor(connections) as threads:
        return sum(threads.map(attack, range(connections)), Counter[str]())


def request(target: Target, text: bytes) -> bytes:
    """Sends a request as it is. Returns all that comes back until the server closes the connection or is silent."""
    with _connect(target) as connection:
        connection.sendall(text)
        return b"".join(_received(connection))


def _connect(target: Target) -> socket.socket:
    return socket.create_connection(("127.0.0.1", target.web_port), TIMEOUT_SECONDS, source_address=(ADDRESS, 0))


def _send_all(target: Target, head: bytes, blocks: Sequence[bytes], end: bytes) -> str:
    """Returns the status of the answer, or CLOSED if the connection ended without one."""
    with _connect(target) as connection:
        try:
            for block in (head, *blocks, end):
                connection.sendall(block)
        except OSError:
            pass  # there may be an answer nevertheless
        try:
            answer = connection.recv(2**16)
        except OSError:
            return "CLOSED"
        return answer[9:12].decode() or "CLOSED"


def _hold(target: Target, starts: dict[str, bytes], seconds: float, count: int, drips: str = "-") -> Counter[str]:
    """Opens connections with these starts in turn, and waits for the server to close all of them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with ExitStack() as stack, ThreadPoolExecutor(OPENERS) as threads:
        opening = threads.map(lambda pair: (pair[0], _started(target, pair[1])), islice(cycle(starts.items()), count))
        opened = [(kind, stack.enter_context(connection) if connection else None) for kind, connection in opening]
        held = [(kind, connection) for kind, connection in opened if connection]
        outcomes = Counter(f"{kind}: CLOSED" for kind, connection in opened if not connection)

        def go_on() -> bool:
            for pair in list(held):
                kind, connection = pair
                if is_closed(connection) or (drips in kind and not _drip(connection)):
                    outcomes[f"{kind}: CLOSED"] += 1
                    held.remove(pair)
            return bool(held)

        target.hold(go_on, seconds)
        return outcomes + Counter(f"{kind}: OPEN" for kind, _ in held)


def _started(target: Target, start: bytes) -> socket.socket | None:
    """Returns a connection on which this was sent, as far as the server took it within some seconds."""
    try:
        connection = _connect(target)
    except OSError:
        return None
    connection.settimeout(OPENING_SECONDS)
    with contextlib.suppress(OSError):
        connection.sendall(start)
    return connection


def _drip(connection: socket.socket) -> bool:
    try:
        return connection.send(b"a") > 0
    except OSError:
        return False


def _received(connection: socket.socket) -> Iterator[bytes]:
    connection.settimeout(5)
    try:
        while data := connection.recv(2**16):
            yield data
    except OSError:
        return
