"""Structured logs: one JSON object per line, with the request id of the call that wrote it."""

import logging
import sys
from functools import partial
from typing import TextIO

import structlog

from services.common.process.settings import ServiceSettings

# Tracebacks leave out the values of local variables, because one of them may be a user's photo.
_TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))

_to_json = structlog.processors.JSONRenderer()

MAX_LINE_CHARACTERS = 8192
"""Length above which the values of a line are shortened: clients choose parts of some, such as a request's path."""

MAX_VALUE_CHARACTERS = 500
"""Length of each value in such a line."""


class _Logger(structlog.WriteLogger):
    """Writes rendered lines. It has a name, as loggers of the standard library do."""

    def __init__(self, file: TextIO, name: str) -> None:
        super().__init__(file)
        self.name = name


def _bounded_json(
    logger: structlog.typing.WrappedLogger, method: str, event: structlog.typing.EventDict
) -> str | bytes:
    line = _to_json(logger, method, event)
    if len(line) <= MAX_LINE_CHARACTERS:
        return line
    short = {key: str(value)[:MAX_VALUE_CHARACTERS] for key, value in event.items()}
    return _to_json(logger, method, short | {"shortened_from": len(line)})


def configure_logging(service: str, settings: ServiceSettings, stream: TextIO | None = None) -> None:
    """Sends everything that this process and its libraries log to a stream, in one format.

    Verger's own lines (structlog) bypass the standard library, through which each would take 34 µs instead of 13 µs.

    Args:
        service: is written in each line.
        settings: say in which format, and from which level on.
        stream: stderr by default.
    """
    stream = stream or sys.stderr
    as_json = settings.log_format == "json"
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _TRACEBACKS if as_json else structlog.processors.format_exc_info,
    ]
    renderer = _bounded_json if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        logger_factory=partial(_Logger, stream),
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    structlog.contextvars.bind_contextvars(service=service)
