"""Groups photos that look alike, and keeps up to date what lists are sorted by, in the transaction of a change."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, update

from engine.photo.alike import MAX_DISTANCE_BITS
from services.collection.facts import ReportKind, doubt_of, rank_of
from services.collection.records.rows import label_of
from services.collection.records.tables import LOOKS, PHOTOS

BANDS = MAX_DISTANCE_BITS + 1
"""Parts of a hash. Of two hashes that are so near, at least one part is equal, which is how the database finds them."""

_BITS = 64
_EDGES = [_BITS * band // BANDS for band in range(BANDS + 1)]


def bands_of(look: int) -> Sequence[int]:
    """Returns the parts of a perceptual hash."""
    return [look >> start & ((1 << end - start) - 1) for start, end in pairwise(_EDGES)]


def group_for(connection: Connection, classifier: str, identity: str, look: int | None) -> str:
    """Returns the group of the photo that looks most like a new one; a group of its own if none looks like it."""
    if look is None:
        return identity
    is_near = or_(*(and_(LOOKS.c.band == band, LOOKS.c.bits == bits) for band, bits in enumerate(bands_of(look))))
    candidates = connection.execute(select(LOOKS.c.photo, LOOKS.c.look).where(is_near)).all()
    distances = {row.photo: (look ^ int(row.look, 16)).bit_count() for row in candidates}
    near = [photo for photo, bits in distances.items() if bits <= MAX_DISTANCE_BITS]
    is_it = and_(PHOTOS.c.classifier == classifier, PHOTOS.c.id.in_(near))
    groups = {
        row.id: row.look_group for row in connection.execute(select(PHOTOS.c.id, PHOTOS.c.look_group).where(is_it))
    }
    nearest = min(groups, key=lambda photo: (distances[photo], photo), default=None)
    return groups[nearest] if nearest else identity


def add_look(connection: Connection, identity: str, look: int | None) -> None:
    """Makes the look of a new photo known to those that will come."""
    if look is not None:
        same = {"photo": identity, "look": f"{look:016x}"}
        connection.execute(
            insert(LOOKS), [same | {"band": band, "bits": bits} for band, bits in enumerate(bands_of(look))]
        )


def lock_group(connection: Connection, identity: str) -> bool:
    """Keeps others from changing a photo and those that look like it, before anything of them is changed.

    Whoever locks several photos does so by their ids, so that nobody waits for who waits for them. Returns False if the
    photo is gone.
    """
    groups = select(PHOTOS.c.classifier, PHOTOS.c.look_group).where(PHOTOS.c.id == identity)
    photo = connection.execute(groups).first()
    return photo is not None and any(row.id == identity for row in _locked(connection, photo))


def update_order(connection: Connection, identity: str) -> None:
    """Finds out anew where a photo and its group stand, after another answer or report."""
    photo = connection.execute(select(PHOTOS).where(PHOTOS.c.id == identity)).one()
    group = _locked(connection, photo)
    rank = min(rank_of(row.margin, ReportKind(row.report) if row.report else None) for row in group)
    connection.execute(update(PHOTOS).where(_is_in_group(photo)).values(rank=rank))
    doubt = doubt_of(label_of(photo.label_kind, photo.label), photo.verdict, photo.predicted, photo.margin)
    connection.execute(update(PHOTOS).where(PHOTOS.c.id == identity).values(doubt=doubt))


def _locked(connection: Connection, photo: Any) -> Sequence[Any]:
    """Returns the photos of a photo's group, locked in the order of their ids."""
    group = select(PHOTOS.c.id, PHOTOS.c.margin, PHOTOS.c.report).where(_is_in_group(photo))
    return connection.execute(group.order_by(PHOTOS.c.id).with_for_update()).all()


def _is_in_group(photo: Any) -> ColumnElement[bool]:
    return and_(PHOTOS.c.classifier == photo.classifier, PHOTOS.c.look_group == photo.look_group)
