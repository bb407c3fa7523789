"""Finds photos in the database. Its methods block."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, Select, func, literal, select, tuple_

from services.collection.errors import PhotoUnknown
from services.collection.facts import Answer, Filter, LabelChange, Order, Photo
from services.collection.records.database import Database
from services.collection.records.rows import answer_of, label_of, photo_of
from services.collection.records.tables import ANSWERS, FEATURES, IS_NOTED, LABELS, PHOTOS


class _Sorting(NamedTuple):
    """The columns by which a list is sorted, from which an index exists, and whether the largest come first."""

    columns: Sequence[Column[Any]]
    is_descending: bool


_SORTINGS = {
    Order.NEWEST: _Sorting([PHOTOS.c.received_at, PHOTOS.c.id], True),
    Order.USEFUL: _Sorting([PHOTOS.c.rank, PHOTOS.c.look_group, PHOTOS.c.id], False),
    Order.DOUBTFUL: _Sorting([PHOTOS.c.doubt, PHOTOS.c.id], True),
}


class Place(NamedTuple):
    """Where a page ends: the order of the list, and by what it sorts the last photo on the page."""

    order: Order
    values: Sequence[datetime | float | str]


def place_of(photo: Photo, order: Order) -> Place:
    """Returns the place of a photo in a list."""
    values = {
        Order.NEWEST: (photo.received_at, photo.id),
        Order.USEFUL: (photo.rank, photo.group, photo.id),
        Order.DOUBTFUL: (photo.doubt or 0.0, photo.id),
    }
    return Place(order, values[order])


class Page(NamedTuple):
    """What to list: which photos of a classifier, in which order, how many at most, and after which place."""

    classifier: str
    wanted: Filter
    size: int
    order: Order = Order.NEWEST
    after: Place | None = None


class PhotoList:
    """Looks at photos, and changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, page: Page) -> Sequence[Photo]:
        """Returns photos of a classifier."""
        with self._database.reading() as connection:
            photos = [photo_of(row) for row in connection.execute(page_query(page))]
            return completed(connection, photos)

    def photo(self, identity: str) -> tuple[Photo, Sequence[LabelChange], bytes]:
        """Returns a photo, the history of its label, and the newest features; b"" if there are none.

        Raises:
            PhotoUnknown: there is no such photo.
        """
        with self._database.reading() as connection:
            row = connection.execute(select(PHOTOS).where(PHOTOS.c.id == identity)).first()
            if row is None:
                raise PhotoUnknown("No photo with this id is kept. It may have been deleted.")
            (photo,) = completed(connection, [photo_of(row)])
            changes = select(LABELS).where(LABELS.c.photo == identity).order_by(LABELS.c.revision)
            history = [_change_of(change) for change in connection.execute(changes)]
            newest = select(FEATURES.c.numbers).where(FEATURES.c.photo == identity).order_by(FEATURES.c.kept_at.desc())
            features = connection.execute(newest.limit(1)).scalar()
        return photo, history, features or b""


def page_query(page: Page) -> Select[Any]:
    """Returns the question for a page. The order is that of the indexes, so a page costs the same wherever it is."""
    columns, is_descending = _SORTINGS[page.order]
    conditions = [PHOTOS.c.classifier == page.classifier, *_conditions(page.wanted)]
    if page.order is Order.DOUBTFUL:
        conditions.append(PHOTOS.c.doubt.is_not(None))
    if page.after:
        values = zip(page.after.values, columns, strict=True)
        place = tuple_(*(literal(value, column.type) for value, column in values))
        conditions.append(tuple_(*columns) < place if is_descending else tuple_(*columns) > place)
    sorting = [column.desc() if is_descending else column for column in columns]
    return select(PHOTOS).where(*conditions).order_by(*sorting).limit(page.size)


def _conditions(wanted: Filter) -> Sequence[ColumnElement[bool]]:
    equal = {
        PHOTOS.c.verdict: wanted.verdict,
        PHOTOS.c.predicted: wanted.predicted,
        PHOTOS.c.model_version: wanted.model_version,
        PHOTOS.c.source: wanted.source,
        PHOTOS.c.report: wanted.report,
        PHOTOS.c.look_group: wanted.group,
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
        has_text = func.lower(ANSWERS.c.note).contains(wanted.text.lower(), autoescape=True)
        conditions.append(PHOTOS.c.id.in_(select(ANSWERS.c.photo).where(IS_NOTED, has_text)))
    if wanted.request_id:
        conditions.append(PHOTOS.c.id.in_(select(ANSWERS.c.photo).where(ANSWERS.c.request_id == wanted.request_id)))
    return conditions


def completed(connection: Connection, photos: Sequence[Photo]) -> Sequence[Photo]:
    """Returns photos of one classifier with their answers and the sizes of their groups."""
    answers = _answers_of(connection, [photo.id for photo in photos])
    is_there = [PHOTOS.c.classifier == photo.classifier for photo in photos[:1]]
    is_there.append(PHOTOS.c.look_group.in_({photo.group for photo in photos}))
    count = select(PHOTOS.c.look_group, func.count().label("members")).where(*is_there).group_by(PHOTOS.c.look_group)
    sizes = {row.look_group: row.members for row in connection.execute(count)}
    return [replace(each, answers=answers.get(each.id, []), group_size=sizes.get(each.group, 1)) for each in photos]


def _answers_of(connection: Connection, photos: Sequence[str]) -> Mapping[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for row in connection.execute(select(ANSWERS).where(ANSWERS.c.photo.in_(photos)).order_by(ANSWERS.c.id)):
        found.setdefault(row.photo, []).append(answer_of(row))
    return found


def _change_of(row: Any) -> LabelChange:
    return LabelChange(row.decision, row.revision, label_of(row.kind, row.label), row.changed_by, row.changed_at)
