"""Adds photos to the database, with their answers and reports, and takes them away. Its methods block."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select, update

from services.access.audit import Action, Entry
from services.collection.errors import AnswerUnknown
from services.collection.facts import NewPhoto, Report
from services.collection.photos.preparing import PreparedPhoto
from services.collection.records.database import Database, write_entry
from services.collection.records.grouping import add_look, group_for, lock_group, update_order
from services.collection.records.rows import classification_values, insert_of, newest_values, report_values
from services.collection.records.tables import ANSWERS, FEATURES, FILES, PHOTOS

MAX_AT_ONCE = 500
"""Photos that one transaction deletes, or files that one look for forgotten ones finds."""


class Added(NamedTuple):
    """What became of a photo that was to be added."""

    id: str
    is_new: bool


class Unneeded(NamedTuple):
    """A file that no photo needs, and since when."""

    digest: str
    since: datetime


class Deleted(NamedTuple):
    """How many photos were deleted, and the files that nobody needs any more."""

    photos: int
    files: Sequence[Unneeded]


class PhotoRecords:
    """Photos, answers, features, and which files there are."""

    def __init__(self, database: Database, place: str, now: Callable[[], datetime]) -> None:
        """place: program and host, for the audit."""
        self._database = database
        self._place = place
        self._now = now

    def add_known(self, photo: NewPhoto) -> Added | None:
        """Adds what is new to a photo whose bytes were sent before. Returns None if they never were."""
        with self._database.writing() as connection:
            is_it = (PHOTOS.c.classifier == photo.classifier) & (PHOTOS.c.sent_digest == photo.sent_digest)
            found = connection.execute(select(PHOTOS.c.id).where(is_it)).first()
            if found is None or not lock_group(connection, found.id):
                return None
            self._add_answer(connection, found.id, photo)
            return Added(found.id, is_new=False)

    def announce_file(self, digest: str) -> None:
        """Notes that a file is about to be written, so that it is removed if nothing comes of it."""
        with self._database.writing() as connection:
            values: dict[str, Any] = {"digest": digest, "is_kept": False, "since": self._now()}
            is_waiting = FILES.c.is_kept.is_(False)
            statement = insert_of(connection)(FILES).values(values)
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["digest"], set_={"since": values["since"]}, where=is_waiting
                )
            )

    def add(self, photo: NewPhoto, prepared: PreparedPhoto, exists: Callable[[str], bool]) -> Added | None:
        """Adds a photo whose file was written. Returns None if the file was removed since.

        `exists` says whether the file is there. It is asked while nobody else can remove the file.
        """
        with self._database.writing() as connection:
            keep = update(FILES).where(FILES.c.digest == prepared.digest).values(is_kept=True)
            if connection.execute(keep).rowcount == 0 or not exists(prepared.digest):
                connection.rollback()
                return None
            identity = secrets.token_hex(16)
            group = group_for(connection, photo.classifier, identity, prepared.look)
            values = _photo_values(identity, photo, prepared, self._now()) | {"look_group": group, "rank": 0.0}
            statement = insert_of(connection)(PHOTOS).values(values)
            once = statement.on_conflict_do_nothing(index_elements=["classifier", "digest"])
            is_new = connection.execute(once.returning(PHOTOS.c.id)).first() is not None
            if is_new:
                add_look(connection, identity, prepared.look)
            else:
                is_it = (PHOTOS.c.classifier == photo.classifier) & (PHOTOS.c.digest == prepared.digest)
                identity = connection.execute(select(PHOTOS.c.id).where(is_it)).scalar() or ""
                if not lock_group(connection, identity):  # it was deleted just now
                    connection.rollback()
                    return None
            self._add_answer(connection, identity, photo)
            return Added(identity, is_new)

    def report(self, classifier: str, request_id: str, report: Report) -> str:
        """Notes what a person says of an answer. Returns the id of the photo.

        Raises:
            AnswerUnknown: no photo with this answer is kept.
        """
        with self._database.writing() as connection:
            is_it = (ANSWERS.c.request_id == request_id) & (PHOTOS.c.classifier == classifier)
            found = connection.execute(
                select(ANSWERS.c.id, ANSWERS.c.photo).join(PHOTOS).where(is_it).order_by(ANSWERS.c.id.desc())
            ).first()
            if found is None or not lock_group(connection, found.photo):
                raise AnswerUnknown("No photo with this answer is kept. Send the photo with your report.")
            self._set_report(connection, found.id, found.photo, report)
            return str(found.photo)

    def delete(self, ids: Sequence[str], who: str) -> Deleted:
        """Deletes photos with all that is known of them, but for their files."""
        with self._database.writing() as connection:
            return self._delete(connection, ids, who, Action.DELETE)

    def delete_expired(self, lifetime: timedelta, who: str) -> Deleted:
        """Does the same with the oldest of the photos that are too old, at most MAX_AT_ONCE."""
        with self._database.writing() as connection:
            is_old = PHOTOS.c.received_at < self._now() - lifetime
            oldest = select(PHOTOS.c.id).where(is_old).order_by(PHOTOS.c.received_at).limit(MAX_AT_ONCE)
            return self._delete(connection, connection.scalars(oldest).all(), who, Action.EXPIRE)

    def unneeded_files(self, age: timedelta) -> Sequence[Unneeded]:
        """Returns some files that nobody has needed for so long."""
        with self._database.reading() as connection:
            is_unneeded = FILES.c.is_kept.is_(False) & (FILES.c.since <= self._now() - age)
            rows = connection.execute(select(FILES.c.digest, FILES.c.since).where(is_unneeded).limit(MAX_AT_ONCE))
            return [Unneeded(*row) for row in rows]

    def remove_file(self, file: Unneeded, remove: Callable[[str], None]) -> None:
        """Removes a file, unless somebody has needed it or begun to write it since. Nobody can while it is removed."""
        with self._database.writing() as connection:
            is_it = (FILES.c.digest == file.digest) & FILES.c.is_kept.is_(False) & (FILES.c.since == file.since)
            if connection.execute(select(FILES.c.digest).where(is_it).with_for_update()).first():
                remove(file.digest)
                connection.execute(delete(FILES).where(FILES.c.digest == file.digest))

    def _add_answer(self, connection: Connection, identity: str, photo: NewPhoto) -> None:
        answer, now = photo.answer, self._now()
        known = classification_values(answer.classification)
        values: dict[str, Any] = {
            "photo": identity,
            "request_id": answer.request_id,
            "source": answer.source.value,
            "kept_at": now,
        }
        statement = insert_of(connection)(ANSWERS).values(values | known)
        once = statement.on_conflict_do_nothing(index_elements=["photo", "request_id"])
        is_new = connection.execute(once.returning(ANSWERS.c.id)).first() is not None
        if is_new and answer.classification:
            newest = newest_values(answer.classification)
            connection.execute(update(PHOTOS).where(PHOTOS.c.id == identity).values(newest))
            update_order(connection, identity)
        if photo.features and answer.classification:
            features = {"photo": identity, "model_version": answer.classification.model_version, "kept_at": now}
            statement = insert_of(connection)(FEATURES).values(features | {"numbers": photo.features})
            connection.execute(statement.on_conflict_do_nothing(index_elements=["photo", "model_version"]))
        if answer.report:
            is_it = (ANSWERS.c.photo == identity) & (ANSWERS.c.request_id == answer.request_id)
            row = connection.execute(select(ANSWERS.c.id).where(is_it)).scalar_one()
            self._set_report(connection, row, identity, answer.report)

    def _set_report(self, connection: Connection, answer: int, photo: str, report: Report) -> None:
        values = report_values(report) | {"reported_at": self._now()}
        connection.execute(update(ANSWERS).where(ANSWERS.c.id == answer).values(values))
        connection.execute(update(PHOTOS).where(PHOTOS.c.id == photo).values(report=report.kind.value))
        update_order(connection, photo)

    def _delete(self, connection: Connection, ids: Sequence[str], who: str, action: Action) -> Deleted:
        wanted = select(PHOTOS.c.id, PHOTOS.c.digest).where(PHOTOS.c.id.in_(ids)).order_by(PHOTOS.c.id)
        found = {row.id: row.digest for row in connection.execute(wanted.with_for_update())}
        if not found:
            return Deleted(0, [])
        now = self._now()
        digests = sorted(set(found.values()))
        # Locks their rows first, so that two who delete the last two photos of a file don't both leave it to the other.
        files = select(FILES.c.digest).where(FILES.c.digest.in_(digests)).order_by(FILES.c.digest)
        connection.execute(files.with_for_update()).all()
        connection.execute(delete(PHOTOS).where(PHOTOS.c.id.in_(found)))
        still_needed = set(connection.scalars(select(PHOTOS.c.digest).where(PHOTOS.c.digest.in_(digests))))
        unneeded = [Unneeded(digest, now) for digest in digests if digest not in still_needed]
        released = update(FILES).where(FILES.c.digest.in_([file.digest for file in unneeded]))
        connection.execute(released.values(is_kept=False, since=now))
        for identity in found:
            write_entry(connection, Entry(who, self._place, action, identity, at=now))
        return Deleted(len(found), unneeded)


def _photo_values(identity: str, photo: NewPhoto, prepared: PreparedPhoto, now: datetime) -> dict[str, Any]:
    return {
        "id": identity,
        "classifier": photo.classifier,
        "digest": prepared.digest,
        "sent_digest": photo.sent_digest,
        "width": prepared.width,
        "height": prepared.height,
        "size_bytes": len(prepared.image),
        "source": photo.answer.source.value,
        "received_at": now,
        "revision": 0,
        "labelled_by": "",
    }
