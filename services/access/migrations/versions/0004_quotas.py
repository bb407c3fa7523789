"""Makes the table of what was taken of quotas."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "access_quotas",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
    )
    op.create_index("access_quotas_account", "access_quotas", ["account", "at"])
    op.create_index("access_quotas_at", "access_quotas", ["at"])


def downgrade() -> None:
    """Removes the table."""
    op.drop_table("access_quotas")
