"""Makes the table of links to sign in with."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "access_links",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("key", sa.String(12), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Removes the table: links that nobody has used are worth nothing."""
    op.drop_table("access_links")
