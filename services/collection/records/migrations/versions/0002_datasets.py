"""Makes the tables of dataset versions, and the triggers that keep them as they are."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
FROZEN = ("datasets", "dataset_photos")


def upgrade() -> None:
    """Makes all tables."""
    photo = sa.ForeignKey("collection_photos.id", ondelete="CASCADE")
    op.create_table(
        "collection_sides",
        sa.Column("photo", sa.String(32), photo, primary_key=True),
        sa.Column("look", sa.String(16)),
        sa.Column("wanted", sa.String(8)),
        sa.Column("side", sa.String(8)),
    )
    op.create_table(
        "collection_datasets",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("classifier", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("made_by", sa.String(100), nullable=False),
        sa.Column("classes", sa.JSON, nullable=False),
        sa.UniqueConstraint("classifier", "version", name="collection_datasets_once"),
    )
    op.create_table(
        "collection_dataset_photos",
        sa.Column("dataset", NUMBER, sa.ForeignKey("collection_datasets.id"), primary_key=True),
        sa.Column("photo", sa.String(32), sa.ForeignKey("collection_photos.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
    )
    op.create_index("collection_dataset_photos_by_photo", "collection_dataset_photos", ["photo"])
    for statement in _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgresql():
        op.execute(statement)


def downgrade() -> None:
    """Removes all tables, and so all versions."""
    for table in ("dataset_photos", "datasets", "sides"):
        op.drop_table(f"collection_{table}")


def _sqlite() -> Sequence[str]:
    return [
        f"CREATE TRIGGER collection_{table}_update BEFORE UPDATE ON collection_{table} "
        "BEGIN SELECT RAISE(ABORT, 'dataset versions are frozen'); END"
        for table in FROZEN
    ]


def _postgresql() -> Sequence[str]:
    """Uses the function of 0001, whose message says that histories are not changed."""
    return [
        f"CREATE TRIGGER collection_{table}_frozen BEFORE UPDATE ON collection_{table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION collection_refuse()"
        for table in FROZEN
    ]
