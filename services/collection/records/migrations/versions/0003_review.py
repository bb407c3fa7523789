"""Adds what the orders of review need: looks of photos, margins of answers, and doubts about labels."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INDEXES = {
    "by_version": ["classifier", "model_version", "received_at", "id"],
    "by_source": ["classifier", "source", "received_at", "id"],
    "by_group": ["classifier", "look_group", "received_at", "id"],
    "useful": ["classifier", "rank", "look_group", "id"],
    "useful_by_label": ["classifier", "label_kind", "label", "rank", "look_group", "id"],
    "doubtful": ["classifier", "doubt", "id"],
}


def upgrade() -> None:
    """Adds columns and a table. Photos that are there already are groups of one, and count as most useful."""
    op.add_column("collection_photos", sa.Column("look_group", sa.String(32), nullable=False, server_default=""))
    op.add_column("collection_photos", sa.Column("margin", sa.Float))
    op.add_column("collection_photos", sa.Column("rank", sa.Float, nullable=False, server_default="0"))
    op.add_column("collection_photos", sa.Column("doubt", sa.Float))
    op.execute("UPDATE collection_photos SET look_group = id")
    for name, columns in INDEXES.items():
        op.create_index(f"collection_photos_{name}", "collection_photos", columns)
    photo = sa.ForeignKey("collection_photos.id", ondelete="CASCADE")
    op.create_table(
        "collection_looks",
        sa.Column("photo", sa.String(32), photo, primary_key=True),
        sa.Column("band", sa.Integer, primary_key=True),
        sa.Column("bits", sa.Integer, nullable=False),
        sa.Column("look", sa.String(16), nullable=False),
    )
    op.create_index("collection_looks_by_bits", "collection_looks", ["band", "bits", "look", "photo"])
    noted = sa.text("note <> ''")
    op.create_index(
        "collection_answers_by_note",
        "collection_answers",
        ["note", "photo"],
        sqlite_where=noted,
        postgresql_where=noted,
    )


def downgrade() -> None:
    """Takes them away."""
    op.drop_table("collection_looks")
    op.drop_index("collection_answers_by_note", "collection_answers")
    for name in INDEXES:
        op.drop_index(f"collection_photos_{name}", "collection_photos")
    for column in ("look_group", "margin", "rank", "doubt"):
        op.drop_column("collection_photos", column)
