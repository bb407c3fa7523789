"""Alembic runs this for each command. services.common.database hands it a connection, in a locked transaction."""

from alembic import context

from services.collection.records.database import VERSION_TABLE
from services.collection.records.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite can't change a column in place
)
with context.begin_transaction():
    context.run_migrations()
