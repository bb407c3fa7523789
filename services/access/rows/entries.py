"""Entries of the audit, to which the database only lets them be added."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, desc, insert, or_, select

from services.access.audit import Action, Entry, Search, key_user
from services.access.tables import AUDIT, CHANGES


def add(connection: Connection, entry: Entry, now: datetime, *, is_change: bool = False) -> None:
    """Adds an entry; is_change: it is about the change of keys that was counted last."""
    revision = select(CHANGES.c.revision).scalar_subquery() if is_change else None
    connection.execute(insert(AUDIT).values(asdict(entry) | {"at": now, "revision": revision}))


def of_changes(connection: Connection, first: int, last: int) -> list[Entry]:
    """Returns the entries about changes of keys with these numbers, oldest first."""
    is_wanted = AUDIT.c.revision.between(first, last)
    return [_entry_of(row) for row in connection.execute(select(AUDIT).where(is_wanted).order_by(AUDIT.c.id))]


def read(connection: Connection, since: datetime | None, key: str | None) -> Iterator[Entry]:
    """Yields entries, oldest first: all, or those after a time, about one key, or both."""
    query = select(AUDIT).order_by(AUDIT.c.id)
    if key is not None:
        query = query.where(or_(AUDIT.c.subject == key, AUDIT.c.who == key_user(key)))
    if since is not None:
        query = query.where(AUDIT.c.at >= since)
    for row in connection.execution_options(yield_per=1000).execute(query):
        yield _entry_of(row)


def search(connection: Connection, wanted: Search, count: int) -> tuple[list[Entry], int | None]:
    """Returns so many entries at most, newest first, and the number before which there are more; None if there are
    none.
    """
    query = select(AUDIT).order_by(desc(AUDIT.c.id)).limit(count + 1)
    if wanted.action:
        query = query.where(AUDIT.c.action == wanted.action)
    if wanted.who:
        query = query.where(AUDIT.c.who.icontains(wanted.who, autoescape=True))
    if wanted.before:
        query = query.where(AUDIT.c.id < wanted.before)
    rows = connection.execute(query).all()
    return [_entry_of(row) for row in rows[:count]], rows[count - 1].id if len(rows) > count else None


def _entry_of(row: Row[Any]) -> Entry:
    facts = row._asdict()
    del facts["id"], facts["revision"]
    return Entry(**facts | {"action": Action(row.action)})
