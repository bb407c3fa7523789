"""Decides labels, and takes decisions back. Its methods block.

Each change of a label has the revision that the reviewer saw. A photo that has another one by now stays as it is.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.access.audit import Action, Entry
from services.access.keys import MAX_LABEL_CHARACTERS
from services.collection.errors import DecisionUnknown, RequestIdReused
from services.collection.facts import Conflict, Label, LabelKind, Outcome, Seen, doubt_of
from services.collection.records.database import Database, write_entry
from services.collection.records.rows import label_of, label_values
from services.collection.records.tables import DECISIONS, LABELS, PHOTOS

_Wanted: TypeAlias = Callable[[Connection], Mapping[Seen, Label | None]]
"""Returns the label that each photo is to have, by how the photo was seen."""


@dataclass(frozen=True)
class Decider:
    """Who decides, as the history and as the audit name them."""

    name: str
    user: str


class LabelRecords:
    """The labels of photos, and their history."""

    def __init__(self, database: Database, place: str, now: Callable[[], datetime]) -> None:
        """place: program and host, for the audit."""
        self._database = database
        self._place = place
        self._now = now

    def label(self, request_id: str, photos: Sequence[Seen], label: Label, decider: Decider) -> Outcome:
        """Gives photos a label.

        Raises:
            RequestIdReused: another decision has this request id.
        """
        what = _What(Action.LABEL, ["label", sorted(photos), label], {"label": label.name or label.kind.value})
        return self._once(request_id, what, decider, lambda _: dict.fromkeys(photos, label))

    def undo(self, request_id: str, decision: str, decider: Decider) -> Outcome:
        """Gives the photos of a decision the label from before, unless they were decided anew since.

        Raises:
            DecisionUnknown: there is no such decision.
            RequestIdReused: another decision has this request id.
        """

        def old_labels(connection: Connection) -> Mapping[Seen, Label | None]:
            if not connection.execute(select(DECISIONS).where(DECISIONS.c.request_id == decision)).first():
                raise DecisionUnknown("There is no decision with this request id. Check it.")
            changes = connection.execute(select(LABELS).where(LABELS.c.decision == decision))
            return {Seen(row.photo, row.revision): label_of(row.old_kind, row.old_label) for row in changes}

        what = _What(Action.UNDO, ["undo", decision], {"decision": decision[:MAX_LABEL_CHARACTERS]})
        return self._once(request_id, what, decider, old_labels)

    def label_first(self, photo: str, label: Label, request_id: str, decider: Decider) -> Label | None:
        """Gives a photo a label if it has none. Returns the label that it has then; None if the photo is gone."""
        with self._database.reading() as connection:
            row = connection.execute(select(PHOTOS).where(PHOTOS.c.id == photo)).first()
        if row is None:
            return None
        if found := label_of(row.label_kind, row.label):
            return found
        outcome = self.label(request_id, [Seen(photo, row.revision)], label, decider)
        return outcome.conflicts[0].label if outcome.conflicts else label

    def _once(self, request_id: str, what: "_What", decider: Decider, wanted: _Wanted) -> Outcome:
        """Decides, or returns what became of the decision if it was made already."""
        try:
            return self._decide(request_id, what, decider, wanted)
        except IntegrityError:  # another process has made the same decision just now
            return self._decide(request_id, what, decider, wanted)

    def _decide(self, request_id: str, what: "_What", decider: Decider, wanted: _Wanted) -> Outcome:
        with self._database.writing() as connection:
            known = connection.execute(select(DECISIONS).where(DECISIONS.c.request_id == request_id)).first()
            if known:
                if known.digest != what.digest:
                    raise RequestIdReused("Another decision has this request id. Use a new one for each decision.")
                return _outcome_of(known.outcome)
            now = self._now()
            changed, conflicts = _change(connection, wanted(connection), request_id, decider.name, now)
            outcome = Outcome(changed, conflicts)
            values = {"request_id": request_id, "digest": what.digest, "decided_by": decider.name, "decided_at": now}
            connection.execute(insert(DECISIONS).values(values | {"outcome": _json_of(outcome)}))
            if changed:
                details: dict[str, str | int] = {"by": decider.name, "photos": len(changed), **what.details}
                subject = request_id[:MAX_LABEL_CHARACTERS]
                write_entry(connection, Entry(decider.user, self._place, what.action, subject, details=details, at=now))
            return outcome


class _What(NamedTuple):
    """What is decided. `content` tells a repetition from another decision."""

    action: Action
    content: Sequence[Any]
    details: Mapping[str, str]

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.content).encode()).hexdigest()


def _change(
    connection: Connection, wanted: Mapping[Seen, Label | None], decision: str, name: str, now: datetime
) -> tuple[Sequence[Seen], Sequence[Conflict]]:
    """Changes the labels of all photos that are as they were seen."""
    ids = [seen.photo for seen in wanted]
    rows = select(PHOTOS).where(PHOTOS.c.id.in_(ids)).order_by(PHOTOS.c.id).with_for_update()
    found = {row.id: row for row in connection.execute(rows)}
    changed: list[Seen] = []
    conflicts: list[Conflict] = []
    history: list[Mapping[str, Any]] = []
    for seen, label in wanted.items():
        row = found.get(seen.photo)
        if row is None or row.revision != seen.revision:
            conflicts.append(_conflict(seen.photo, row))
            continue
        new = Seen(seen.photo, seen.revision + 1)
        old = label_values(label_of(row.label_kind, row.label), "old_")
        by = {"changed_by": name, "changed_at": now}
        history.append(
            {"photo": new.photo, "decision": decision, "revision": new.revision, **label_values(label), **old, **by}
        )
        values = label_values(label)
        values = {"label_kind": values["kind"], "label": values["label"], "revision": new.revision}
        values |= {"labelled_by": name, "labelled_at": now}
        values["doubt"] = doubt_of(label, row.verdict, row.predicted, row.margin)
        connection.execute(update(PHOTOS).where(PHOTOS.c.id == seen.photo).values(values))
        changed.append(new)
    if history:
        connection.execute(insert(LABELS), history)
    return changed, conflicts


def _conflict(photo: str, row: Row[Any] | None) -> Conflict:
    if row is None:
        return Conflict(photo, is_deleted=True)
    return Conflict(photo, False, label_of(row.label_kind, row.label), row.revision, row.labelled_by)


def _json_of(outcome: Outcome) -> Any:
    return {"changed": outcome.changed, "conflicts": outcome.conflicts}  # JSON has lists of named tuples


def _outcome_of(stored: Any) -> Outcome:
    changed = [Seen(*seen) for seen in stored["changed"]]
    conflicts = [Conflict(*facts) for facts in stored["conflicts"]]
    return Outcome(changed, [conflict._replace(label=_label_of(conflict.label)) for conflict in conflicts])


def _label_of(stored: Sequence[str] | None) -> Label | None:
    return Label(LabelKind(stored[0]), stored[1]) if stored else None
