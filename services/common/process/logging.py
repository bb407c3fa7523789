"""Structured logs: one JSON object per line, with the request id of the call that wrote it."""

import logging
import sys

import structlog

from services.common.process.settings import ServiceSettings

# Tracebacks leave out the values of local variables, because one of them may be a user's photo.
_TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))


class _Logger(structlog.WriteLogger):
    """Writes rendered lines to stderr. It has a name, as loggers of the standard library do."""

    def __init__(self, name: str) -> None:
        super().__init__(sys.stderr)
        self.name = name


def configure_logging(service: str, settings: ServiceSettings) -> None:
    """Sends everything that this process and its libraries log to stderr, in one format.

    Verger's own lines (structlog) bypass the standard library, through which each would take 34 µs instead of 13 µs.
    """
    as_json = settings.log_format == "json"
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _TRACEBACKS if as_json else structlog.processors.format_exc_info,
    ]
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        logger_factory=_Logger,
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    structlog.contextvars.bind_contextvars(service=service)
