"""Databases of several parts of Verger that one process opens at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from sqlalchemy import create_engine, inspect

from services.access.database import open_database
from services.access.store import KeyStore
from services.collection.records.database import Database


def test_the_tables_of_two_parts_are_made_at_the_same_moment(tmp_path: Path) -> None:
    barrier = Barrier(2)

    def make(part: str, number: int) -> set[str]:
        file = tmp_path / f"{part}-{number}.db"
        store = KeyStore(open_database(f"sqlite:///{file}"))
        database = Database(f"sqlite:///{file}")
        barrier.wait(timeout=60)
        if part == "access":
            store.load()
        else:
            database.check()
        engine = create_engine(f"sqlite:///{file}")
        tables = set(inspect(engine).get_table_names())
        engine.dispose()
        return {table.partition("_")[0] for table in tables}

    with ThreadPoolExecutor(2) as threads:
        for number in range(5):
            futures = {part: threads.submit(make, part, number) for part in ("access", "collection")}
            assert {part: future.result(timeout=120) for part, future in futures.items()} == {
                part: {part} for part in futures
            }
