"""Dataset versions and sides in the database. Its methods block."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from engine.dataset import NEGATIVE_LABEL, TEST, TRAIN, Entry, dataset_digest
from engine.labels import can_name_a_folder, label_of
from services.access.audit import Action
from services.access.audit import Entry as AuditEntry
from services.access.keys import MAX_LABEL_CHARACTERS
from services.collection.datasets.sides import Candidate, Settled, sides_of
from services.collection.datasets.versions import Counts, Made, Member, Version
from services.collection.errors import DatasetEmpty, DatasetUnknown, LabelUnusable
from services.collection.facts import LabelKind
from services.collection.records.database import Database, write_entry
from services.collection.records.labels import Decider
from services.collection.records.listing import completed
from services.collection.records.rows import insert_of, photo_of
from services.collection.records.tables import DATASET_PHOTOS, DATASETS, PHOTOS, SIDES

_LEARNED = (LabelKind.CLASS.value, LabelKind.NONE.value)

MAX_ATTEMPTS = 5
"""How often a version is made anew because somebody else has made one at the same time."""


class _Snapshot(NamedTuple):
    """What a version is made of."""

    new: Sequence[Candidate]
    members: Mapping[str, Entry]
    """Photos that have a side, by their ids."""
    settled: Sequence[Settled]
    newest: Row[Any] | None
    """The newest version."""


class DatasetRecords:
    """Versions, their photos, and the sides of photos."""

    def __init__(self, database: Database, place: str, now: Callable[[], datetime]) -> None:
        """place: program and host, for the audit."""
        self._database, self._place, self._now = database, place, now

    def want(self, photo: str, side: str) -> None:
        """Notes on which side an import wants a photo. One that has a side, or is wanted on one, stays."""
        with self._database.writing() as connection:
            statement = insert_of(connection)(SIDES).values(photo=photo, wanted=side)
            is_open = SIDES.c.side.is_(None) & SIDES.c.wanted.is_(None)
            connection.execute(
                statement.on_conflict_do_update(index_elements=["photo"], set_={"wanted": side}, where=is_open)
            )

    def without_look(self, classifier: str, count: int) -> Mapping[str, str]:
        """Returns the digests of some labelled photos whose look is not known yet, by their ids."""
        photos = select(PHOTOS.c.id, PHOTOS.c.digest).join_from(PHOTOS, SIDES, isouter=True)
        is_one = and_(*_labelled(classifier), SIDES.c.look.is_(None))
        with self._database.reading() as connection:
            return {row.id: row.digest for row in connection.execute(photos.where(is_one).limit(count))}

    def keep_looks(self, looks: Mapping[str, int]) -> None:
        """Notes the perceptual hashes of photos, by their ids. Photos that were deleted meanwhile are passed over."""
        with self._database.writing() as connection:
            kept = select(PHOTOS.c.id).where(PHOTOS.c.id.in_(looks)).with_for_update(read=True, key_share=True)
            for photo in connection.scalars(kept).all():
                look = f"{looks[photo]:016x}"
                statement = insert_of(connection)(SIDES).values(photo=photo, look=look)
                connection.execute(statement.on_conflict_do_update(index_elements=["photo"], set_={"look": look}))

    def make(self, classifier: str, decider: Decider) -> Made:
        """Makes a version of everything that is labelled and whose look is known.

        Raises:
            DatasetEmpty: nothing is labelled.
            LabelUnusable: a label is none that a model may have.
        """
        for _ in range(MAX_ATTEMPTS - 1):
            try:
                return self._make(classifier, decider)
            except IntegrityError:  # somebody else has made one, or has deleted a photo, since the snapshot
                continue
        return self._make(classifier, decider)

    def versions(self, classifier: str, count: int, before: int | None) -> Sequence[Version]:
        """Returns versions of a classifier, newest first."""
        is_wanted = DATASETS.c.classifier == classifier
        if before:
            is_wanted &= DATASETS.c.version < before
        with self._database.reading() as connection:
            return _versions(connection, is_wanted, count)

    def version(self, classifier: str, number: int | None) -> Version:
        """Returns one version, or the newest.

        Raises:
            DatasetUnknown: there is none.
        """
        is_it = DATASETS.c.classifier == classifier
        if number:
            is_it &= DATASETS.c.version == number
        with self._database.reading() as connection:
            found = _versions(connection, is_it, 1)
        if not found:
            what = f"version {number} of the data set" if number else "version of a data set"
            raise DatasetUnknown(f"There is no {what} of {classifier}. List the versions, or make one.")
        return found[0]

    def members(self, classifier: str, number: int, size: int, after: str) -> Sequence[Member]:
        """Returns photos of a version that are still kept, by their ids.

        Args:
            classifier: its name.
            number: of the version.
            size: most photos to return.
            after: id of the last photo of the page before; empty for the first page.
        """
        is_it = and_(DATASETS.c.classifier == classifier, DATASETS.c.version == number)
        columns = (PHOTOS, DATASET_PHOTOS.c.label.label("learned"), DATASET_PHOTOS.c.side)
        query = select(*columns).join_from(DATASET_PHOTOS, PHOTOS).join(DATASETS).where(is_it)
        page = query.where(DATASET_PHOTOS.c.photo > after).order_by(DATASET_PHOTOS.c.photo).limit(size)
        with self._database.reading() as connection:
            rows = connection.execute(page).all()
            photos = completed(connection, [photo_of(row) for row in rows])
        return [Member(photo, row.learned, row.side) for photo, row in zip(photos, rows, strict=True)]

    def digest_of(self, photo: str) -> str | None:
        """Returns the digest of a photo that is in a version; None if it is in none, or was deleted."""
        is_it = and_(PHOTOS.c.id == photo, PHOTOS.c.id.in_(select(DATASET_PHOTOS.c.photo)))
        with self._database.reading() as connection:
            return connection.scalar(select(PHOTOS.c.digest).where(is_it))

    def _make(self, classifier: str, decider: Decider) -> Made:
        with self._database.reading() as connection:
            snapshot = _snapshot(connection, classifier)
        present: dict[str, set[str]] = {}
        for member in snapshot.members.values():
            present.setdefault(member.label, set()).add(member.side)
        sides, left_out = sides_of(snapshot.new, snapshot.settled, present)
        added = {
            item.photo: Entry(sides[item.photo], item.label, item.digest)
            for item in snapshot.new
            if item.photo in sides
        }
        members = {**snapshot.members, **added}
        if not members:
            raise DatasetEmpty(f"No photo of {classifier} is labelled yet. Review some, or import a folder of classes.")
        digest = dataset_digest(members.values())
        newest = snapshot.newest
        if newest and newest.digest == digest:
            return Made(self.version(classifier, newest.version), False, left_out)
        number = newest.version + 1 if newest else 1
        values = {"classifier": classifier, "version": number, "digest": digest, "made_by": decider.name}
        values |= {"made_at": self._now(), "classes": _counts(members.values())}
        with self._database.writing() as connection:
            key = connection.execute(insert(DATASETS).values(values).returning(DATASETS.c.id)).scalar_one()
            for side in (TRAIN, TEST):
                chosen = [photo for photo, entry in added.items() if entry.side == side]
                for start in range(0, len(chosen), 500):
                    which = SIDES.c.photo.in_(chosen[start : start + 500])
                    connection.execute(update(SIDES).where(which).values(side=side))
            rows = [{"dataset": key, "photo": photo, **_row(entry)} for photo, entry in members.items()]
            connection.execute(insert(DATASET_PHOTOS), rows)
            details: dict[str, str | int] = {"by": decider.name, "photos": len(members), "digest": digest[:12]}
            subject = f"{classifier}@{number}"[:MAX_LABEL_CHARACTERS]
            write_entry(
                connection,
                AuditEntry(decider.user, self._place, Action.DATASET, subject, details=details, at=self._now()),
            )
        return Made(self.version(classifier, number), True, left_out)


def _labelled(classifier: str) -> Sequence[ColumnElement[bool]]:
    return [PHOTOS.c.classifier == classifier, PHOTOS.c.label_kind.in_(_LEARNED)]


def _snapshot(connection: Connection, classifier: str) -> _Snapshot:
    columns = (PHOTOS.c.id, PHOTOS.c.digest, PHOTOS.c.label_kind, PHOTOS.c.label, SIDES)
    labelled = select(*columns).join_from(PHOTOS, SIDES).where(*_labelled(classifier), SIDES.c.look.is_not(None))
    new: list[Candidate] = []
    members: dict[str, Entry] = {}
    for row in connection.execute(labelled.order_by(PHOTOS.c.digest)):
        label = _class_of(row)
        if row.side:
            members[row.id] = Entry(row.side, label, row.digest)
        else:
            new.append(Candidate(row.id, row.digest, label, int(row.look, 16), row.wanted))
    is_settled = and_(PHOTOS.c.classifier == classifier, SIDES.c.side.is_not(None))
    settled = connection.execute(select(SIDES.c.look, SIDES.c.side).join_from(SIDES, PHOTOS).where(is_settled))
    newest = select(DATASETS).where(DATASETS.c.classifier == classifier).order_by(DATASETS.c.version.desc()).limit(1)
    return _Snapshot(
        new, members, [Settled(int(row.look, 16), row.side) for row in settled], connection.execute(newest).first()
    )


def _class_of(row: Row[Any]) -> str:
    if row.label_kind == LabelKind.NONE:
        return NEGATIVE_LABEL
    label = label_of(row.label)
    if not can_name_a_folder(label):
        raise LabelUnusable(
            f"“{row.label}” can't be a class: it has characters that no name of a folder may have. Give its photos "
            "another label.",
            label=row.label,
        )
    return label


def _counts(entries: Any) -> Mapping[str, Sequence[int]]:
    counts = Counter((entry.label, entry.side) for entry in entries)
    return {label: [counts[label, TRAIN], counts[label, TEST]] for label in sorted({label for label, _ in counts})}


def _row(entry: Entry) -> Mapping[str, str]:
    return {"label": entry.label, "side": entry.side}


def _versions(connection: Connection, is_wanted: ColumnElement[bool], count: int) -> Sequence[Version]:
    query: Select[Any] = select(DATASETS).where(is_wanted).order_by(DATASETS.c.version.desc()).limit(count)
    rows = connection.execute(query).all()
    kept = select(DATASET_PHOTOS.c.dataset, func.count()).where(DATASET_PHOTOS.c.dataset.in_([row.id for row in rows]))
    left = {row[0]: row[1] for row in connection.execute(kept.group_by(DATASET_PHOTOS.c.dataset))}
    return [_version_of(row, left.get(row.id, 0)) for row in rows]


def _version_of(row: Row[Any], left: int) -> Version:
    classes = {label: Counts(*counts) for label, counts in row.classes.items()}
    made_of = sum(map(sum, classes.values()))
    return Version(row.classifier, row.version, row.digest, row.made_at, row.made_by, classes, made_of - left)
