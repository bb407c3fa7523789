"""Writes what happens to a registered model into the audit: once, however many processes watch it.

One of them holds the watch for some seconds and renews it; when it ends, another one takes over. It needs no keys.
"""

import secrets
from collections.abc import Iterable
from datetime import timedelta
from socket import gethostname
from typing import Any

from sqlalchemy import Engine, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from services.access.audit import Entry
from services.access.database import upgrade
from services.access.rows import entries
from services.access.tables import MODELS
from services.common.database import Moment

HOLD = timedelta(seconds=20)
"""How long a process that does not renew its watch keeps it."""

_NOW = func.current_timestamp(type_=Moment)


class Journal:
    """The audit of one registered model. All methods raise SQLAlchemyError when the database is away."""

    def __init__(self, engine: Engine, model: str) -> None:
        """Does not connect yet."""
        self.place = f"inference on {gethostname()}"[:100]
        self._engine, self._model = engine, model
        self._holder = secrets.token_hex(16)
        self._is_current = False

    def hold(self) -> bool:
        """Takes or renews the watch, and returns whether this process has it."""
        if not self._is_current:
            upgrade(self._engine)
            self._is_current = True
        with self._engine.begin() as connection:
            now = connection.execute(select(_NOW)).scalar_one()
            is_free = or_(MODELS.c.holder == self._holder, MODELS.c.held_until < now)
            held = {"holder": self._holder, "held_until": now + HOLD}
            if connection.execute(update(MODELS).where(MODELS.c.name == self._model, is_free).values(held)).rowcount:
                return True
            if connection.execute(select(MODELS.c.name).where(MODELS.c.name == self._model)).first():
                return False
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(MODELS).values({"name": self._model} | held))
        except IntegrityError:  # another process was quicker
            return False
        return True

    def seen(self) -> Any:
        """Returns what was seen last; None if nothing was."""
        with self._engine.begin() as connection:
            return connection.execute(select(MODELS.c.seen).where(MODELS.c.name == self._model)).scalar_one_or_none()

    def write(self, seen: Any, added: Iterable[Entry]) -> bool:
        """Replaces what was seen and adds entries, unless another process has the watch. Returns whether it did."""
        with self._engine.begin() as connection:
            now = connection.execute(select(_NOW)).scalar_one()
            is_own = MODELS.c.holder == self._holder
            if not connection.execute(
                update(MODELS).where(MODELS.c.name == self._model, is_own).values(seen=seen)
            ).rowcount:
                return False
            for entry in added:
                entries.add(connection, entry, now)
        return True

    def close(self) -> None:
        """Closes all connections. Another process takes the watch over when it is no longer renewed."""
        self._engine.dispose()
