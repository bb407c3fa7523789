"""Makes the tables of the collection, and the triggers that keep its histories as they are."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
MESSAGE = "histories are neither changed nor deleted"


def upgrade() -> None:
    """Makes all tables."""
    op.create_table(
        "collection_files",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("is_kept", sa.Boolean, nullable=False),
        sa.Column("since", TIME, nullable=False),
    )
    _make_photos()
    _make_answers()
    _make_labels()
    op.create_table(
        "collection_audit",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("place", sa.String(100), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("result", sa.String(40), nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
    )
    op.create_table("collection_audit_unsent", sa.Column("entry", NUMBER, primary_key=True))
    # The label's history goes with its photo; the audit stays for ever.
    for statement in _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgresql():
        op.execute(statement)


def downgrade() -> None:
    """Removes all tables, and so the whole collection but its files."""
    for table in ("labels", "decisions", "features", "answers", "photos", "files", "audit_unsent", "audit"):
        op.drop_table(f"collection_{table}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION collection_refuse()")


def _make_photos() -> None:
    op.create_table(
        "collection_photos",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("classifier", sa.String(100), nullable=False),
        sa.Column("digest", sa.String(64), sa.ForeignKey("collection_files.digest"), nullable=False),
        sa.Column("sent_digest", sa.String(64), nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("verdict", sa.String(16)),
        sa.Column("predicted", sa.String(100)),
        sa.Column("model_version", sa.String(40)),
        sa.Column("report", sa.String(16)),
        sa.Column("label_kind", sa.String(16)),
        sa.Column("label", sa.String(100)),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("labelled_by", sa.String(100), nullable=False),
        sa.Column("labelled_at", TIME),
        sa.UniqueConstraint("classifier", "digest", name="collection_photos_once"),
    )
    for name, columns in {
        "by_digest": ["digest"],
        "by_sent_digest": ["classifier", "sent_digest"],
        "by_time": ["received_at"],
        "newest": ["classifier", "received_at", "id"],
        "by_verdict": ["classifier", "verdict", "received_at", "id"],
        "by_prediction": ["classifier", "predicted", "received_at", "id"],
        "by_report": ["classifier", "report", "received_at", "id"],
        "by_label": ["classifier", "label_kind", "label", "received_at", "id"],
    }.items():
        op.create_index(f"collection_photos_{name}", "collection_photos", columns)


def _make_answers() -> None:
    photo = sa.ForeignKey("collection_photos.id", ondelete="CASCADE")
    op.create_table(
        "collection_answers",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("photo", sa.String(32), photo, nullable=False),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("kept_at", TIME, nullable=False),
        sa.Column("model_version", sa.String(40)),
        sa.Column("verdict", sa.String(16)),
        sa.Column("predictions", sa.JSON),
        sa.Column("scope_score", sa.Float),
        sa.Column("report", sa.String(16)),
        sa.Column("report_label", sa.String(100)),
        sa.Column("note", sa.String(500)),
        sa.Column("reported_at", TIME),
        sa.UniqueConstraint("photo", "request_id", name="collection_answers_once"),
    )
    op.create_index("collection_answers_by_request", "collection_answers", ["request_id"])
    op.create_table(
        "collection_features",
        sa.Column("photo", sa.String(32), sa.ForeignKey("collection_photos.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("model_version", sa.String(40), primary_key=True),
        sa.Column("kept_at", TIME, nullable=False),
        sa.Column("numbers", sa.LargeBinary, nullable=False),
    )


def _make_labels() -> None:
    op.create_table(
        "collection_decisions",
        sa.Column("request_id", sa.String(128), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("decided_by", sa.String(100), nullable=False),
        sa.Column("decided_at", TIME, nullable=False),
        sa.Column("outcome", sa.JSON, nullable=False),
    )
    op.create_table(
        "collection_labels",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("photo", sa.String(32), sa.ForeignKey("collection_photos.id", ondelete="CASCADE"), nullable=False),
        sa.Column("decision", sa.String(128), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16)),
        sa.Column("label", sa.String(100)),
        sa.Column("old_kind", sa.String(16)),
        sa.Column("old_label", sa.String(100)),
        sa.Column("changed_by", sa.String(100), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.UniqueConstraint("photo", "revision", name="collection_labels_once"),
    )
    op.create_index("collection_labels_by_decision", "collection_labels", ["decision"])


def _sqlite() -> Sequence[str]:
    def refusing(table: str, name: str, event: str) -> str:
        return f"CREATE TRIGGER collection_{table}_{name} BEFORE {event} BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"

    return [
        refusing("labels", "update", "UPDATE ON collection_labels"),
        refusing("audit", "update", "UPDATE ON collection_audit"),
        refusing("audit", "delete", "DELETE ON collection_audit"),
        # INSERT OR REPLACE deletes, and calls no trigger for that
        refusing("audit", "replace", "INSERT ON collection_audit WHEN NEW.id IN (SELECT id FROM collection_audit)"),
    ]


def _postgresql() -> Sequence[str]:
    return [
        "CREATE FUNCTION collection_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$",
        "CREATE TRIGGER collection_labels_append_only BEFORE UPDATE ON collection_labels "
        "FOR EACH STATEMENT EXECUTE FUNCTION collection_refuse()",
        "CREATE TRIGGER collection_audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON collection_audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION collection_refuse()",
    ]
