"""Opens the keys of a service as its settings say."""

from typing import TYPE_CHECKING

from services.access.config import AccessSettings

if TYPE_CHECKING:
    from services.access.store import KeyStore


def key_store(settings: AccessSettings, service: str) -> "KeyStore | None":
    """Returns the keys, or None where everybody may call. It does not wait for the database.

    Args:
        settings: of the service.
        service: its name in the list of keys and in the audit.

    Raises:
        DatabaseUnusable: the settings name no database that can be used.
    """
    if settings.access == "open":
        return None
    # SQLAlchemy and Alembic take memory and half a second of the start.
    from services.access.database import open_database
    from services.access.store import KeyStore

    return KeyStore(open_database(settings.access_database), service)
