"""The tables of the collection, as the newest migration leaves them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

from services.common.database import Moment

METADATA = MetaData()

IS_NOTED = text("note <> ''")
"""Of an answer with a note. It is text, and no comparison with a parameter, so that databases know the index by it."""

_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def _photo_id() -> Column[str]:
    return Column("photo", String(32), ForeignKey("collection_photos.id", ondelete="CASCADE"), nullable=False)


FILES = Table(
    "collection_files",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("is_kept", Boolean, nullable=False),  # whether a photo needs the file; else it is being written or removed
    Column("since", Moment, nullable=False),
)
"""A file has a row before it is written, and until after it was removed. So no file is ever forgotten."""

PHOTOS = Table(
    "collection_photos",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("classifier", String(100), nullable=False),
    Column("digest", String(64), ForeignKey("collection_files.digest"), nullable=False),
    Column("sent_digest", String(64), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("source", String(16), nullable=False),
    Column("received_at", Moment, nullable=False),
    # of the newest answer and the newest report, for lists
    Column("verdict", String(16)),
    Column("predicted", String(100)),
    Column("model_version", String(40)),
    Column("report", String(16)),
    Column("label_kind", String(16)),
    Column("label", String(100)),
    Column("revision", Integer, nullable=False),
    Column("labelled_by", String(100), nullable=False),
    Column("labelled_at", Moment),
    # for the orders of review, see facts.py
    Column("look_group", String(32), nullable=False),
    Column("margin", Float),  # of the newest answer
    Column("rank", Float, nullable=False),  # the lowest of the group
    Column("doubt", Float),
    UniqueConstraint("classifier", "digest", name="collection_photos_once"),
    Index("collection_photos_by_digest", "digest"),
    Index("collection_photos_by_sent_digest", "classifier", "sent_digest"),
    Index("collection_photos_by_time", "received_at"),
    Index("collection_photos_newest", "classifier", "received_at", "id"),
    Index("collection_photos_by_verdict", "classifier", "verdict", "received_at", "id"),
    Index("collection_photos_by_prediction", "classifier", "predicted", "received_at", "id"),
    Index("collection_photos_by_report", "classifier", "report", "received_at", "id"),
    Index("collection_photos_by_label", "classifier", "label_kind", "label", "received_at", "id"),
    Index("collection_photos_by_version", "classifier", "model_version", "received_at", "id"),
    Index("collection_photos_by_source", "classifier", "source", "received_at", "id"),
    Index("collection_photos_by_group", "classifier", "look_group", "received_at", "id"),
    Index("collection_photos_useful", "classifier", "rank", "look_group", "id"),
    Index("collection_photos_useful_by_label", "classifier", "label_kind", "label", "rank", "look_group", "id"),
    Index("collection_photos_doubtful", "classifier", "doubt", "id"),
)

LOOKS = Table(
    "collection_looks",
    METADATA,
    Column("photo", String(32), ForeignKey("collection_photos.id", ondelete="CASCADE"), primary_key=True),
    Column("band", Integer, primary_key=True),
    Column("bits", Integer, nullable=False),
    Column("look", String(16), nullable=False),
    Index("collection_looks_by_bits", "band", "bits", "look", "photo"),
)
"""The parts of each photo's look, by which others like it are found. The index has all columns, so it alone is read."""

ANSWERS = Table(
    "collection_answers",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    _photo_id(),
    Column("request_id", String(128), nullable=False),
    Column("source", String(16), nullable=False),
    Column("kept_at", Moment, nullable=False),
    Column("model_version", String(40)),  # this and the next three are null where the answer is not known
    Column("verdict", String(16)),
    Column("predictions", JSON(none_as_null=True)),  # [label, probability], best first
    Column("scope_score", Float),
    Column("report", String(16)),
    Column("report_label", String(100)),
    Column("note", String(500)),
    Column("reported_at", Moment),
    UniqueConstraint("photo", "request_id", name="collection_answers_once"),
    Index("collection_answers_by_request", "request_id"),
    Index("collection_answers_by_note", "note", "photo", sqlite_where=IS_NOTED, postgresql_where=IS_NOTED),
)

FEATURES = Table(
    "collection_features",
    METADATA,
    Column("photo", String(32), ForeignKey("collection_photos.id", ondelete="CASCADE"), primary_key=True),
    Column("model_version", String(40), primary_key=True),
    Column("kept_at", Moment, nullable=False),
    Column("numbers", LargeBinary, nullable=False),  # float32, little-endian
)

DECISIONS = Table(
    "collection_decisions",
    METADATA,
    Column("request_id", String(128), primary_key=True),
    Column("digest", String(64), nullable=False),  # of the request, to tell a repetition from another decision
    Column("decided_by", String(100), nullable=False),
    Column("decided_at", Moment, nullable=False),
    Column("outcome", JSON, nullable=False),
)

LABELS = Table(
    "collection_labels",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    _photo_id(),
    Column("decision", String(128), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("kind", String(16)),  # null: the label was taken away
    Column("label", String(100)),
    Column("old_kind", String(16)),
    Column("old_label", String(100)),
    Column("changed_by", String(100), nullable=False),
    Column("changed_at", Moment, nullable=False),
    UniqueConstraint("photo", "revision", name="collection_labels_once"),
    Index("collection_labels_by_decision", "decision"),
)
"""The history of labels. A trigger refuses to change a row; it goes with its photo."""

SIDES = Table(
    "collection_sides",
    METADATA,
    Column("photo", String(32), ForeignKey("collection_photos.id", ondelete="CASCADE"), primary_key=True),
    Column("look", String(16)),  # perceptual hash in hexadecimal digits; null until a version is made
    Column("wanted", String(8)),  # by an import
    Column("side", String(8)),  # set when the photo is in a version for the first time, and never changed
)

DATASETS = Table(
    "collection_datasets",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("classifier", String(100), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("made_by", String(100), nullable=False),
    Column("classes", JSON, nullable=False),  # numbers of photos to learn from and to test on, by label
    UniqueConstraint("classifier", "version", name="collection_datasets_once"),
)
"""A trigger refuses to change a row."""

DATASET_PHOTOS = Table(
    "collection_dataset_photos",
    METADATA,
    Column("dataset", _NUMBER, ForeignKey("collection_datasets.id"), primary_key=True),
    Column("photo", String(32), ForeignKey("collection_photos.id", ondelete="CASCADE"), primary_key=True),
    Column("label", String(100), nullable=False),
    Column("side", String(8), nullable=False),
    Index("collection_dataset_photos_by_photo", "photo"),
)
"""A trigger refuses to change a row; it goes with its photo."""

UNSENT = Table(
    "collection_audit_unsent",
    METADATA,
    Column("entry", _NUMBER, primary_key=True),
)
"""Ids of entries of the audit that are still to be sent to the audit of keys."""

AUDIT = Table(
    "collection_audit",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("who", String(100), nullable=False),
    Column("place", String(100), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("result", String(40), nullable=False),
    Column("details", JSON, nullable=False),
)
"""Triggers refuse to change or delete a row."""
