"""Sends entries of the collection's audit to the audit of keys, so that one command shows both."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Row, delete, select

from services.access.audit import Action, Entry
from services.collection.records.database import Database
from services.collection.records.tables import AUDIT, UNSENT

MAX_AT_ONCE = 500


class AuditOutbox:
    """What is still to be sent. An entry is sent again if a process ends between the two databases."""

    def __init__(self, database: Database, write: Callable[[Sequence[Entry]], None]) -> None:
        """write: adds entries to the audit of keys, or raises."""
        self._database, self._write = database, write

    def send(self) -> int:
        """Sends the oldest entries, at most MAX_AT_ONCE. Returns their number. It blocks."""
        oldest = select(UNSENT.c.entry).order_by(UNSENT.c.entry).limit(MAX_AT_ONCE)
        with self._database.writing() as connection:
            numbers = connection.scalars(oldest.with_for_update(skip_locked=True)).all()
            if not numbers:
                return 0
            rows = connection.execute(select(AUDIT).where(AUDIT.c.id.in_(numbers)).order_by(AUDIT.c.id))
            self._write([_entry_of(row) for row in rows])
            connection.execute(delete(UNSENT).where(UNSENT.c.entry.in_(numbers)))
            return len(numbers)


def _entry_of(row: Row[Any]) -> Entry:
    """Returns an entry for the other audit, which gives it a later time of its own."""
    details = {**row.details, "at": row.at.isoformat(timespec="seconds")}
    return Entry(row.who, row.place, Action(row.action), row.subject, row.result, details)
