"""Starts the process of a service: reads its settings, and sets up its logs and traces."""

import faulthandler
import logging
import os
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import TypeVar

import structlog
from pydantic import ValidationError

from services.common.process.logging import configure_logging
from services.common.process.raw_output import divert_raw_output
from services.common.process.settings import ServiceSettings
from services.common.process.tls import variable
from services.common.process.tracing import configure_tracing

log = structlog.get_logger(__name__)

Own = TypeVar("Own", bound=ServiceSettings)


def start_process(service: str, kind: type[Own]) -> Own:
    """Returns the settings of a service. From here on, all that this process writes is lines of its log,
    but for the stacks of its threads if C code crashes.

    Args:
        service: its name in logs and traces.
        kind: the class of its settings.

    Raises:
        SystemExit: a setting is wrong. The log says which, and what is allowed.
    """
    try:
        settings = kind()
    except ValidationError as error:
        configure_logging(service, ServiceSettings.model_construct())
        for problem in problems_of(error):
            log.critical("wrong setting", message=problem)
        sys.exit(2)
    real = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    configure_logging(service, settings, real)
    divert_raw_output(real.fileno())
    faulthandler.enable(real)  # plain text, but a crash in C code has no other last words
    logging.captureWarnings(True)
    sys.excepthook = _log_exception
    configure_tracing(service)
    return settings


def problems_of(error: ValidationError) -> Iterator[str]:
    """Describes each wrong setting by a sentence with its variable and what is allowed."""
    for problem in error.errors(include_url=False, include_context=False):
        if problem["type"] == "default_factory_not_called":  # another wrong setting is why
            continue
        message = problem["msg"].removeprefix("Value error, ")
        if problem["loc"]:
            yield f"{variable(str(problem['loc'][0]))}={problem['input']}: {message}."
        else:  # of several settings together; the message names them
            yield message


def _log_exception(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    log.critical("process failed", message=str(error), exc_info=(kind, error, traceback))
