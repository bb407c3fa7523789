"""Finds photos in the database. Its methods block."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select

from services.collection.errors import PhotoUnknown
from services.collection.facts import Answer, Filter, LabelChange, Photo
from services.collection.records.database import Database
from services.collection.records.rows import answer_of, label_of, photo_of
from services.collection.records.tables import ANSWERS, FEATURES, LABELS, PHOTOS


class Place(NamedTuple):
    """Where a page ends: the last photo on it."""

    received_at: datetime
    photo: str


class PhotoList:
    """Looks at photos, and changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, classifier: str, wanted: Filter, size: int, after: Place | None) -> Sequence[Photo]:
        """Returns photos of a classifier, newest first.

        Args:
            classifier: its name.
            wanted: which of them.
            size: most photos to return.
            after: the end of the page before.
        """
        with self._database.reading() as connection:
            photos = [photo_of(row) for row in connection.execute(page_query(classifier, wanted, size, after))]
            answers = _answers_of(connection, [photo.id for photo in photos])
        return [replace(photo, answers=answers.get(photo.id, [])) for photo in photos]

    def photo(self, identity: str) -> tuple[Photo, Sequence[LabelChange], bytes]:
        """Returns a photo, the history of its label, and the newest features; b"" if there are none.

        Raises:
            PhotoUnknown: there is no such photo.
        """
        with self._database.reading() as connection:
            row = connection.execute(select(PHOTOS).where(PHOTOS.c.id == identity)).first()
            if row is None:
                raise PhotoUnknown("No photo with this id is kept. It may have been deleted.")
            photo = replace(photo_of(row), answers=_answers_of(connection, [identity]).get(identity, []))
            changes = select(LABELS).where(LABELS.c.photo == identity).order_by(LABELS.c.revision)
            history = [_change_of(change) for change in connection.execute(changes)]
            newest = select(FEATURES.c.numbers).where(FEATURES.c.photo == identity).order_by(FEATURES.c.kept_at.desc())
            features = connection.execute(newest.limit(1)).scalar()
        return photo, history, features or b""


def page_query(classifier: str, wanted: Filter, size: int, after: Place | None) -> Select[Any]:
    """Returns the question for a page. The order is that of the indexes, so a page costs the same wherever it is."""
    conditions = [PHOTOS.c.classifier == classifier, *_conditions(wanted)]
    if after:
        is_older = PHOTOS.c.received_at < after.received_at
        is_next = and_(PHOTOS.c.received_at == after.received_at, PHOTOS.c.id < after.photo)
        conditions += [PHOTOS.c.received_at <= after.received_at, or_(is_older, is_next)]
    order = PHOTOS.c.received_at.desc(), PHOTOS.c.id.desc()
    return select(PHOTOS).where(*conditions).order_by(*order).limit(size)


def _conditions(wanted: Filter) -> Sequence[ColumnElement[bool]]:
    equal = {
        PHOTOS.c.verdict: wanted.verdict,
        PHOTOS.c.predicted: wanted.predicted,
        PHOTOS.c.model_version: wanted.model_version,
        PHOTOS.c.source: wanted.source,
        PHOTOS.c.report: wanted.report,
        PHOTOS.c.label_kind: wanted.label.kind if wanted.label else None,
        PHOTOS.c.label: wanted.label.name if wanted.label else None,
    }
    conditions: list[ColumnElement[bool]] = [
        column == str(value) for column, value in equal.items() if value is not None
    ]
    if wanted.received_from:
        conditions.append(PHOTOS.c.received_at >= wanted.received_from)
    if wanted.received_before:
        conditions.append(PHOTOS.c.received_at < wanted.received_before)
    if wanted.is_labelled is not None:
        columns = (PHOTOS.c.label_kind, PHOTOS.c.label)  # both, so that the index by label has the order of the list
        conditions += [column.is_not(None) if wanted.is_labelled else column.is_(None) for column in columns]
    if wanted.text:
        is_noted = func.lower(ANSWERS.c.note).contains(wanted.text.lower(), autoescape=True)
        conditions.append(exists().where(ANSWERS.c.photo == PHOTOS.c.id, is_noted))
    if wanted.request_id:
        conditions.append(PHOTOS.c.id.in_(select(ANSWERS.c.photo).where(ANSWERS.c.request_id == wanted.request_id)))
    return conditions


def _answers_of(connection: Connection, photos: Sequence[str]) -> Mapping[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for row in connection.execute(select(ANSWERS).where(ANSWERS.c.photo.in_(photos)).order_by(ANSWERS.c.id)):
        found.setdefault(row.photo, []).append(answer_of(row))
    return found


def _change_of(row: Any) -> LabelChange:
    return LabelChange(row.decision, row.revision, label_of(row.kind, row.label), row.changed_by, row.changed_at)
