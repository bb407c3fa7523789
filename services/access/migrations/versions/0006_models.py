"""Makes the table of the registered models whose aliases the audit watches."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "access_models",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("holder", sa.String(100), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.JSON),
    )


def downgrade() -> None:
    """Removes the table: what happens to the models until the next upgrade is not noticed."""
    op.drop_table("access_models")
