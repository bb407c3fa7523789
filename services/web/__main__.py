"""Runs the web service: python -m services.web."""

import gc
import signal
import sys
from contextlib import nullcontext

import uvicorn

from services.access.start import start_guarded
from services.web.app import create_app
from services.web.config import WebSettings
from services.web.server.configuration import allow_open_files, server_config
from services.web.server.spare import wait_for_turn


def main() -> None:
    """Serves until SIGTERM or Ctrl-C; requests in flight then have drain_seconds to finish."""
    gc.freeze()  # Collecting the objects made by imports would block the event loop for 0.1 s.
    settings = start_guarded("web", WebSettings)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # uvicorn drains and raises SIGTERM again; exit with 0
    allow_open_files(settings.max_connections)
    server = uvicorn.Server(server_config(create_app(settings), settings))
    with wait_for_turn(settings.web_lock_file) if settings.web_lock_file else nullcontext():
        server.run()


if __name__ == "__main__":
    main()
