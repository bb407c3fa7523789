"""Makes the audit, to which entries can only be added."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MESSAGE = "entries of the audit are neither changed nor deleted"


def _refusing(name: str, event: str) -> str:
    return f"CREATE TRIGGER access_audit_{name} BEFORE {event} BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"


SQLITE = (
    _refusing("update", "UPDATE ON access_audit"),
    _refusing("delete", "DELETE ON access_audit"),
    # INSERT OR REPLACE deletes, and calls no trigger for that
    _refusing("replace", "INSERT ON access_audit WHEN NEW.id IN (SELECT id FROM access_audit)"),
)

POSTGRESQL = (
    "CREATE FUNCTION access_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$",
    "CREATE TRIGGER access_audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access_audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION access_audit_refuse()",
)


def upgrade() -> None:
    """Makes the table and the triggers that refuse to change it."""
    op.create_table(
        "access_audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("place", sa.String(100), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("result", sa.String(40), nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("revision", sa.BigInteger),
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Removes the audit and all that it says."""
    op.drop_table("access_audit")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION access_audit_refuse()")
