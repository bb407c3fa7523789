"""The tables that migrations make are those of the code."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

from services.collection.facts import Filter, Order
from services.collection.records.database import SCHEMA, VERSION_TABLE, Database
from services.collection.records.listing import Page, PhotoList
from services.collection.records.tables import METADATA


@pytest.fixture
def engine(address: str) -> Iterator[Engine]:
    database = Database(address)
    database.check()
    database.close()
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    yield engine
    engine.dispose()


def test_the_migrations_make_the_tables_that_the_code_expects(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, METADATA) == []


def test_the_tables_can_be_taken_away_again_and_leave_nothing(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCHEMA.migrations))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(inspect(engine).get_table_names()) <= {VERSION_TABLE}


def test_photos_of_the_version_before_stay_and_have_a_place_in_every_order(address: str) -> None:
    engine, config = create_engine(address.replace("postgresql:", "postgresql+psycopg:")), Config()
    if address.startswith("sqlite"):
        Path(address.removeprefix("sqlite:///")).parent.mkdir()
    config.set_main_option("script_location", str(SCHEMA.migrations))
    config.set_main_option("path_separator", "os")
    photo, digest, moment = "a" * 32, "b" * 64, "2026-11-28 12:00:00+00:00"
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text(f"INSERT INTO collection_files VALUES ('{digest}', true, '{moment}')"))
        values = f"'{photo}', 'fruit', '{digest}', '{digest}', 1, 1, 1, 'page', '{moment}', 0, ''"
        columns = "id, classifier, digest, sent_digest, width, height, size_bytes, source, received_at, revision"
        connection.execute(text(f"INSERT INTO collection_photos ({columns}, labelled_by) VALUES ({values})"))
    engine.dispose()
    database = Database(address)
    for order in (Order.NEWEST, Order.USEFUL):
        (listed,) = PhotoList(database).page(Page("fruit", Filter(), 10, order))
        assert (listed.id, listed.group, listed.group_size) == (photo, photo, 1)
    database.close()
