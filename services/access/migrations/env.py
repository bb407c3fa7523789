"""Alembic runs this for each command. database.py hands it a connection, in a transaction that holds a lock."""

from alembic import context

from services.access.database import VERSION_TABLE
from services.access.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite can't change a column in place
)
with context.begin_transaction():
    context.run_migrations()
