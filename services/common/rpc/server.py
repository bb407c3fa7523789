"""Runs a gRPC server with limits, TLS, health, reflection and metrics, and drains it at the end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import prometheus_client
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.common.errors import REASON_METADATA_KEY
from services.common.process.settings import ServiceSettings
from services.common.process.tls import Fresh, read_pair
from services.common.rpc.inbox import Inbox
from services.common.rpc.interceptor import Admit, CallInterceptor, Context, admit_everybody
from services.common.rpc.tracing import server_interceptors

log = structlog.get_logger(__name__)

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

MAX_CONNECTION_AGE_MS = 10_000
"""Age at which a client is asked to connect again. A connection without this limit would never find a new replica."""

MAX_CALLS_PER_CONNECTION = 256
"""Most calls of one connection at a time; its client keeps further ones back.

Without a limit, a client that begins calls and takes them back at once fills the server's queue of new calls, and gRPC
then cancels new calls of all clients.
"""

LOOKAHEAD_BYTES = 512 * 1024
"""What a client may send of a message before anybody reads it. A photo of usual size is then read without a wait."""

DRAIN_NOTICE_SECONDS = 0.5
"""Time at the start of a drain in which new calls are still answered.

gRPC cancels or loses a call that reaches a stopping server. Clients that watch the health of the server
(services.common.rpc.channel) send their calls to other replicas by the end of this time.
"""


@dataclass(frozen=True)
class RunningServer:
    """A started server.

    Its health for the name "" means that the process is alive, its health for the full name of a service that it can
    answer calls of that service.
    """

    port: int
    _health: "_Health"
    _service_names: Sequence[str]

    async def set_ready(self, ready: bool, reason: str = "") -> None:
        """Sets whether calls can be answered, and if not, the reason of their errors. A server starts as not ready."""
        self._health.reason = "" if ready else reason
        for name in self._service_names:
            await self._health.set(name, SERVING if ready else NOT_SERVING)


@asynccontextmanager
async def running_server(
    settings: ServiceSettings,
    port: int,
    metrics_port: int,
    service_names: Sequence[str],
    add_servicers: Callable[[grpc.aio.Server], None],
    admit: Admit = admit_everybody,
) -> AsyncIterator[RunningServer]:
    """Serves until the block ends, then drains.

    A drain sets the health to NOT_SERVING, stops listening after DRAIN_NOTICE_SECONDS, and gives calls in flight up to
    drain_seconds to end.

    Args:
        settings: address, limits, TLS and times.
        port: gRPC port; 0 takes a free one.
        metrics_port: HTTP port of the Prometheus metrics; 0 takes a free one.
        service_names: full names of the services, for health and reflection.
        add_servicers: adds the services to the server.
        admit: decides who may call their methods.

    Raises:
        OSError: a port is taken.
        ValueError: the channels to this server use TLS, but it has no certificate.
    """
    inbox = Inbox(settings.message_budget_bytes, settings.max_received_bytes)
    server = grpc.aio.server(
        interceptors=[*server_interceptors(), CallInterceptor(settings.request_timeout_seconds, inbox, admit)],
        options=[
            ("grpc.max_receive_message_length", settings.max_received_bytes),
            ("grpc.max_send_message_length", settings.max_message_bytes),
            ("grpc.max_concurrent_streams", MAX_CALLS_PER_CONNECTION),
            ("grpc.max_connection_age_ms", MAX_CONNECTION_AGE_MS),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
            ("grpc.http2.bdp_probe", 0),  # which would let each stream send megabytes that nobody has asked for
            ("grpc.http2.lookahead_bytes", LOOKAHEAD_BYTES),
            ("grpc.so_reuseport", 0),  # with 1, a taken port would be shared instead of being an error
        ],
    )
    health_servicer = _Health()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    add_servicers(server)
    reflection.enable_server_reflection([*service_names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    running = RunningServer(_bind(server, settings, port), health_servicer, service_names)
    await running.set_ready(False)
    metrics_server, _ = prometheus_client.start_http_server(metrics_port, settings.metrics_bind_address)
    await server.start()
    log.info("listening", address=settings.bind_address, port=running.port)
    try:
        yield running
    finally:
        log.info("draining", seconds=settings.drain_seconds)
        await health_servicer.enter_graceful_shutdown()
        await asyncio.sleep(min(DRAIN_NOTICE_SECONDS, settings.drain_seconds))
        health_servicer.end_watches()
        await server.stop(settings.drain_seconds)
        metrics_server.shutdown()
        metrics_server.server_close()


class _Health(health.aio.HealthServicer):
    """The health service.

    Its streams end during a drain, so that a client that keeps one open does not delay it. `reason` says why calls
    can't be answered, if that is known.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reason = ""
        self._ended = asyncio.Event()

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> Any:
        if self.reason:
            context.set_trailing_metadata(((REASON_METADATA_KEY, self.reason),))
        return await super().Check(request, context)

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:
        watching = asyncio.create_task(super().Watch(request, context))
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({watching, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            watching.cancel()
            ended.cancel()

    def end_watches(self) -> None:
        """Ends all streams. Their clients ask again and may reach another replica behind the same address."""
        self._ended.set()


def _bind(server: grpc.aio.Server, settings: ServiceSettings, port: int) -> int:
    host = f"[{settings.bind_address}]" if ":" in settings.bind_address else settings.bind_address
    credentials = _credentials(settings)
    try:
        if credentials is None:
            return server.add_insecure_port(f"{host}:{port}")
        return server.add_secure_port(f"{host}:{port}", credentials)
    except RuntimeError as error:
        raise OSError(f"Port {port} can't be opened; is something else listening on it?") from error


def _credentials(settings: ServiceSettings) -> grpc.ServerCredentials | None:
    """Returns the certificate, which each new connection gets as it is then; None without TLS."""
    if settings.tls is None:
        return None

    def read() -> grpc.ServerCertificateConfiguration:
        certificate, key = read_pair(settings.grpc_pair)
        authority = settings.authority.read_bytes() if settings.is_internal else None
        return grpc.ssl_server_certificate_configuration([(key, certificate)], authority)

    fresh = Fresh([*settings.grpc_pair, settings.authority], read)
    return grpc.dynamic_ssl_server_credentials(
        fresh.value,
        lambda: fresh.value if fresh.renew() else None,  # type: ignore[arg-type, return-value]  # None: as before
        require_client_authentication=settings.is_internal,
    )
