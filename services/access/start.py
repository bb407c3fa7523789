"""Starts a service that may ask for keys, and opens its keys as its settings say."""

import sys
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

import structlog

from services.access.config import AccessSettings
from services.common.process.addresses import is_loopback
from services.common.process.start import start_process

if TYPE_CHECKING:
    from services.access.store import KeyStore

log = structlog.get_logger(__name__)

Own = TypeVar("Own", bound=AccessSettings)


def start_guarded(service: str, kind: type[Own]) -> Own:
    """Returns the settings of a public service, as start_process does.

    Raises:
        SystemExit: a setting is wrong, or other machines may reach the service and nobody has a key. The log says so.
    """
    settings = start_process(service, kind)
    if lacking := missing_key(settings):
        log.critical("no key yet", message=lacking)
        sys.exit(2)
    return settings


def missing_key(settings: AccessSettings) -> str:
    """Returns what to do before a service can start that asks for keys and that other machines may reach; an empty text
    if nothing.

    A key that has ended is enough: nothing stands open, and a service that is in use must start again after the last
    key has expired. So is a database that is away, before whose first answer nobody is admitted.
    """
    if is_loopback(settings.bind_address) or not settings.asks_for_keys:
        return ""
    from sqlalchemy.exc import SQLAlchemyError

    from services.access.database import DatabaseUnusable

    try:
        with closing(_open(settings, "start")) as store:
            if store.has_keys():
                return ""
    except DatabaseUnusable as error:
        return str(error)
    except SQLAlchemyError:
        return ""
    return (
        f"Other machines may reach {settings.bind_address}, and nobody has a key yet. Make one: "
        f"{settings.access_command} make --name admin --owner YOU --scope admin > admin.key. "
        "Then start again. If everybody may use this Verger, set VERGER_ACCESS=open instead."
    )


def key_store(settings: AccessSettings, service: str) -> "KeyStore | None":
    """Returns the keys, or None where everybody may call. It does not wait for the database.

    Args:
        settings: of the service.
        service: its name in the list of keys and in the audit.

    Raises:
        DatabaseUnusable: the settings name no database that can be used.
    """
    return _open(settings, service) if settings.asks_for_keys else None


def _open(settings: AccessSettings, service: str) -> "KeyStore":
    # SQLAlchemy and Alembic take memory and half a second of the start.
    from services.access.database import open_database
    from services.access.store import KeyStore

    return KeyStore(open_database(settings.access_database), service)
