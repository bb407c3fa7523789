"""HTTP/1.1 for uvicorn, with the limits that uvicorn lacks (docs/decisions/0019-limits-in-the-http-protocol.md).

It is uvicorn's own protocol on llhttp (httptools). What is added is only what nothing behind it can do: to bound the
bytes and the time of a request's head, the requests that wait on one connection, and the connections themselves; and to
answer a request that offers an upgrade as if it didn't.
"""

import asyncio
from enum import Enum, auto
from typing import Any, NoReturn

import httptools
from prometheus_client import Counter, Gauge
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from engine.errors import VergerError
from services.common.process.addresses import address_of
from services.web.config import WebSettings
from services.web.problems import (
    HeaderTooLarge,
    MethodNotAllowed,
    RequestInvalid,
    RequestTimeout,
    TooManyConnections,
    UploadTimeout,
)
from services.web.server.registry import ConnectionRegistry
from services.web.server.replies import reply_to, without_upgrade

MAX_HEADER_BYTES = 64 * 1024
"""Most bytes of a request line with all headers, and of chunk extensions or trailers in a row."""

MAX_HEADERS = 100
"""Most headers of one request, and most trailers."""

MAX_SMALL_PIECES = 1000
"""Most pieces of a body, that is, chunks or packets, that may be smaller on average than MIN_PIECE_BYTES. Each costs
about as much time as a large one."""

MIN_PIECE_BYTES = 64

MAX_PIPELINED_REQUESTS = 16
"""Most requests of one connection that wait while one before them is answered."""

LINGER_SECONDS = 10.0
"""Time in which a client may go on sending after its answer, so that it reads the answer and gets no reset."""

SEND_SECONDS = 30.0
"""Time in which a client must take what waits for it, which is about 64 KiB: middleware.py sends in such pieces."""

CONNECTIONS = Gauge("verger_http_connections", "Open connections")
REFUSALS = Counter(
    "verger_http_refusals_total", "Requests and connections that were refused before the application", ["reason"]
)


class _Phase(Enum):
    BETWEEN = auto()  # no request is being received
    HEAD = auto()
    BODY = auto()


class OneAtATime(FlowControl):
    """Reads no more while a request waits for the one before it, whoever asks for more."""

    def __init__(self, protocol: "LimitedProtocol", transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._protocol = protocol

    def resume_reading(self) -> None:
        if not self._protocol.pipeline:
            super().resume_reading()


class LimitedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        settings: WebSettings,
        registry: ConnectionRegistry,
        *,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Takes the limits and the registry that all connections of the server share; uvicorn passes the rest."""
        super().__init__(config, server_state, app_state, _loop)
        self._settings, self._registry = settings, registry
        self.address = ""
        self._phase = _Phase.BETWEEN
        self._timer: asyncio.TimerHandle | None = None
        self._heard = 0.0
        self._framing_bytes = 0
        self._headers_seen = self._pieces = self._body_bytes = 0
        self._refusal: VergerError | None = None
        self._ignores_input = False
        self._send_timer: asyncio.TimerHandle | None = None

    # What the registry asks for.

    @property
    def waiting_since(self) -> float | None:
        """When the client was last heard; None while a request is answered."""
        is_answered = self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
        return None if is_answered else self._heard

    def drop(self) -> None:
        """Closes the connection at once, because a new one needs its place."""
        REFUSALS.labels(TooManyConnections.reason).inc()
        self.transport.abort()

    # Called by the event loop.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admits or refuses the connection."""
        super().connection_made(transport)
        CONNECTIONS.inc()
        self.flow = OneAtATime(self, transport)
        self.address = address_of(self.client[0]) if self.client else ""
        self._heard = self.loop.time()
        if self._registry.admit(self):
            self._allow(self._settings.header_timeout_seconds)
        else:
            self._refuse(TooManyConnections("Too many connections are open. Try again in a few seconds."))
            self.transport.close()  # at once: this connection is not counted

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        CONNECTIONS.dec()
        self._registry.release(self)
        _cancel(self._timer, self._send_timer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses what has arrived, but of a head only as much as a head may have."""
        self._heard = self.loop.time()
        rest = memoryview(data)
        while rest and not self._ignores_input:
            piece = rest[: MAX_HEADER_BYTES - self._framing_bytes]
            rest = rest[len(piece) :]
            self._framing_bytes += len(piece)
            self._feed(piece)
            if self._framing_bytes >= MAX_HEADER_BYTES:
                self._refuse(HeaderTooLarge(f"The headers have more than {MAX_HEADER_BYTES:,} bytes. Send fewer."))
        if self._timer is None and self._phase is not _Phase.BETWEEN and not self._ignores_input:
            seconds = self._settings
            self._allow(
                seconds.header_timeout_seconds if self._phase is _Phase.HEAD else seconds.upload_timeout_seconds
            )

    def pause_writing(self) -> None:
        """Holds the answer back until the client takes more of it, but not for ever."""
        super().pause_writing()
        self._limit_sending()

    def resume_writing(self) -> None:
        """Goes on with the answer."""
        super().resume_writing()
        if not self.transport.is_closing():
            _cancel(self._send_timer)
            self._send_timer = None

    # Called by the parser. Each of these steps ends a row of framing bytes.

    def on_message_begin(self) -> None:
        """Begins a request."""
        self._unset_keepalive_if_required()
        self._phase, self._headers_seen = _Phase.HEAD, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keeps a header; checks a trailer and forgets it, because the application is at work already."""
        self._headers_seen += 1
        if self._headers_seen > MAX_HEADERS:
            self._fail(HeaderTooLarge(f"The request has more than {MAX_HEADERS} headers. Send fewer."))
        if self._phase is _Phase.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hands the request to the application, or queues it."""
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                self._fail(MethodNotAllowed("This is no proxy. Use another HTTP method."))
            return  # feed_data raises HttpParserUpgrade next
        if len(self.pipeline) >= MAX_PIPELINED_REQUESTS:
            self._fail(RequestInvalid("Too many requests were sent without waiting for their answers."))
        self._enter(_Phase.BODY)
        self._headers_seen = self._pieces = self._body_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Passes a piece of the body on."""
        self._framing_bytes = 0
        self._pieces += 1
        self._body_bytes += len(body)
        if self._pieces > MAX_SMALL_PIECES and self._body_bytes < self._pieces * MIN_PIECE_BYTES:
            self._fail(RequestInvalid("The body comes in very many small pieces. Send larger ones."))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends a request."""
        if self.parser.should_upgrade():
            return
        self._enter(_Phase.BETWEEN)
        super().on_message_complete()

    # Called by uvicorn.

    def on_response_complete(self) -> None:
        """Waits for the next request, or for the end of one that was answered before its end."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._limit_sending()
        elif self._phase is _Phase.BODY and self.cycle.response_complete:
            self._allow(LINGER_SECONDS)

    def timeout_keep_alive_handler(self) -> None:
        """Ends a connection without requests, whether the client has read its last answer or not."""
        self.transport.abort()

    def _feed(self, piece: memoryview) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as offer:
            head = without_upgrade(self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers)
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
            self._feed(memoryview(head))
            self._feed(piece[offer.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._refusal or RequestInvalid("This is not HTTP/1.1. Correct the request."))

    def _fail(self, error: VergerError) -> NoReturn:
        """Ends parsing with this error. Only callbacks of the parser may call it: `_feed` catches what they raise."""
        self._refusal = error
        raise error

    def _enter(self, phase: _Phase) -> None:
        _cancel(self._timer)
        self._phase, self._framing_bytes, self._timer = phase, 0, None

    def _allow(self, seconds: float) -> None:
        """Gives the client this time for what it must send next."""
        _cancel(self._timer)
        self._timer = self.loop.call_later(seconds, self._on_timeout)

    def _on_timeout(self) -> None:
        settings, cycle = self._settings, self.cycle
        is_answering = cycle is not None and not cycle.response_complete
        if self._ignores_input:
            self.transport.abort()
        elif self._phase is _Phase.HEAD and is_answering:
            self._allow(settings.header_timeout_seconds)  # the answer to the request before goes first
        elif self._phase is _Phase.HEAD:
            seconds = settings.header_timeout_seconds
            self._refuse(RequestTimeout(f"The headers did not arrive within {seconds:g} s. Send the request again."))
        elif self._phase is _Phase.BODY and is_answering:
            seconds = settings.upload_timeout_seconds
            self._refuse(UploadTimeout(f"The upload took more than {seconds:g} s. Send fewer or smaller photos."))
        else:
            self.transport.abort()

    def _refuse(self, error: VergerError) -> None:
        """Answers the request that is being received, and reads no more. An answer that is under way is finished."""
        if self._ignores_input:
            return
        self._ignores_input = True
        REFUSALS.labels(error.reason).inc()
        cycle, is_own = self.cycle, self._phase is _Phase.BODY
        if cycle is None or cycle.response_complete or (is_own and not cycle.response_started and not self.pipeline):
            self.transport.write(reply_to(error, self.server_state.default_headers))
        elif not is_own and not self.pipeline:
            cycle.keep_alive = False
            return
        self._hang_up()

    def _hang_up(self) -> None:
        """Ends the connection as soon as the client has read its answer."""
        self.pipeline.clear()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._allow(LINGER_SECONDS)

    def _limit_sending(self) -> None:
        if self._send_timer is None and self.transport.get_write_buffer_size():
            self._send_timer = self.loop.call_later(SEND_SECONDS, self.transport.abort)


def _cancel(*timers: asyncio.TimerHandle | None) -> None:
    for timer in timers:
        if timer is not None:
            timer.cancel()
