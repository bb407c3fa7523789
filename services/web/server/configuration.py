"""How uvicorn serves the application."""

import asyncio
import resource
from functools import partial
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from services.common.process.tls import page_context
from services.web.config import WebSettings
from services.web.server.protocol import LimitedProtocol
from services.web.server.registry import ConnectionRegistry

KEEP_ALIVE_SECONDS = 75
"""Longer than a load balancer's 60 s, so that the balancer closes first."""

OTHER_FILES = 256
"""Files and sockets that the process may need besides the connections of its clients."""


def server_config(app: ASGIApp, settings: WebSettings) -> uvicorn.Config:
    """Returns uvicorn's configuration. Logging has been set up by services.common.process.logging."""
    registry = ConnectionRegistry(settings.max_connections, settings.max_connections_per_address)
    return uvicorn.Config(
        app,
        host=settings.bind_address.strip("[]"),
        port=settings.web_port,
        ssl_context_factory=(lambda *_: page_context(settings.page_pair)) if settings.tls else None,
        loop="uvloop",
        http=cast(type[asyncio.Protocol], partial(LimitedProtocol, settings, registry)),
        ws="none",
        log_config=None,
        access_log=False,  # middleware.py logs each request
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=round(settings.drain_seconds),
    )


def allow_open_files(max_connections: int) -> None:
    """Raises this process's limit of open files, where it may, so that all connections have one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max_connections + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
