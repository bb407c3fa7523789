"""Makes the table of sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table. The role that opens the database owns it, as the others."""
    op.create_table(
        "access_sessions",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("key", sa.String(12), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Removes the table: all visitors have to sign in again."""
    op.drop_table("access_sessions")
