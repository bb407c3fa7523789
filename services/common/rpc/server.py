"""The life of a gRPC server: limits, TLS, health, reflection and metrics, and a drain at the end."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
import prometheus_client
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.common.process.settings import ServiceSettings
from services.common.process.tracing import server_interceptors
from services.common.rpc.interceptor import CallInterceptor, Context

log = structlog.get_logger(__name__)

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

# A client with a long-lived connection would never see a new replica: after this age it is asked to connect again.
MAX_CONNECTION_AGE_MS = 10 * 1000

# gRPC refuses a call that meets a stopping server with CANCELLED, or loses it. So a drain begins with a while in which
# calls are still answered: clients that watch our health (services.common.rpc.channel) send theirs elsewhere meanwhile.
NOTICE_SECONDS = 0.5


@dataclass(frozen=True)
class RunningServer:
    """A started server. Health of "" means alive; health of a service's full name means ready to answer its calls."""

    port: int
    _health: health.aio.HealthServicer
    _service_names: Sequence[str]

    async def set_ready(self, ready: bool) -> None:
        """Says whether calls can be answered; before the first call of this, they can't."""
        for name in self._service_names:
            await self._health.set(name, SERVING if ready else NOT_SERVING)


@asynccontextmanager
async def running_server(
    settings: ServiceSettings,
    port: int,
    metrics_port: int,
    service_names: Sequence[str],
    add_servicers: Callable[[grpc.aio.Server], None],
) -> AsyncIterator[RunningServer]:
    """Serves until the block ends, then drains: health says NOT_SERVING, calls in flight end, then it stops listening.

    Port 0 takes a free port. Raises OSError when a port is taken.
    """
    limit = settings.max_message_bytes
    server = grpc.aio.server(
        interceptors=[*server_interceptors(), CallInterceptor(settings.request_timeout_seconds)],
        options=[
            ("grpc.max_receive_message_length", limit),
            ("grpc.max_send_message_length", limit),
            ("grpc.max_connection_age_ms", MAX_CONNECTION_AGE_MS),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
            ("grpc.so_reuseport", 0),  # a taken port is an error, not a second listener
        ],
    )
    health_servicer = _Health()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    add_servicers(server)
    reflection.enable_server_reflection([*service_names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    running = RunningServer(_bind(server, settings, port), health_servicer, service_names)
    await running.set_ready(False)
    metrics_server, _ = prometheus_client.start_http_server(metrics_port, settings.bind_address)
    await server.start()
    log.info("listening", address=settings.bind_address, port=running.port)
    try:
        yield running
    finally:
        log.info("draining", seconds=settings.drain_seconds)
        await health_servicer.enter_graceful_shutdown()
        await asyncio.sleep(min(NOTICE_SECONDS, settings.drain_seconds))
        health_servicer.end_watches()
        await server.stop(settings.drain_seconds)
        metrics_server.shutdown()
        metrics_server.server_close()


class _Health(health.aio.HealthServicer):
    """The health service, whose streams end with a drain: a proxy that keeps them open must not hold it up."""

    def __init__(self) -> None:
        super().__init__()
        self._ended = asyncio.Event()

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:
        watching = asyncio.create_task(super().Watch(request, context))
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({watching, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            watching.cancel()
            ended.cancel()

    def end_watches(self) -> None:
        """Ends all streams. Whoever watches asks again, and may find another replica behind the same address."""
        self._ended.set()


def _bind(server: grpc.aio.Server, settings: ServiceSettings, port: int) -> int:
    host = f"[{settings.bind_address}]" if ":" in settings.bind_address else settings.bind_address
    try:
        if settings.tls_certificate_file is None or settings.tls_key_file is None:
            return server.add_insecure_port(f"{host}:{port}")
        pair = (settings.tls_key_file.read_bytes(), settings.tls_certificate_file.read_bytes())
        clients_ca = settings.tls_ca_file.read_bytes() if settings.tls_ca_file else None
        credentials = grpc.ssl_server_credentials(
            [pair], root_certificates=clients_ca, require_client_auth=clients_ca is not None
        )
        return server.add_secure_port(f"{host}:{port}", credentials)
    except RuntimeError as error:
        raise OSError(f"Port {port} can't be opened; is something else listening on it?") from error


async def stop_signal() -> None:
    """Returns when the process is asked to end, by SIGTERM or Ctrl-C."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    await asked.wait()
