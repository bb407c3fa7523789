"""Runs the web service: python -m services.web."""

import gc
import signal
import sys

import uvicorn

from services.common.process.start import start_process
from services.web.app import create_app
from services.web.config import WebSettings


def main() -> None:
    """Serves until SIGTERM or Ctrl-C; requests in flight then have drain_seconds to finish."""
    gc.freeze()  # Collecting the objects made by imports would block the event loop for 0.1 s.
    settings = start_process("web", WebSettings)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # uvicorn drains and raises SIGTERM again; exit with 0
    uvicorn.run(
        create_app(settings),
        host=settings.bind_address.strip("[]"),
        port=settings.web_port,
        ssl_certfile=settings.web_tls_certificate_file,
        ssl_keyfile=settings.web_tls_key_file,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,  # configure_logging has set it up
        access_log=False,  # middleware.py logs each request
        server_header=False,
        timeout_keep_alive=75,  # seconds; longer than a load balancer's 60 s, so that the balancer closes first
        timeout_graceful_shutdown=round(settings.drain_seconds),
    )


if __name__ == "__main__":
    main()
