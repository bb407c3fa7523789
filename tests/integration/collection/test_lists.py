"""Lists of photos: pages, filters, and how the database finds them among 100,000."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert
from sqlalchemy.dialects import sqlite
from verger.v1 import collection_pb2

from services.collection.facts import Filter, Label, LabelKind, Order, ReportKind
from services.collection.records.database import Database
from services.collection.records.listing import Page, PhotoList, Place, page_query
from services.collection.records.tables import FILES, PHOTOS
from tests.support.servers.collection_server import FRUITS, Collection, answer

PHOTO_COUNT = 100_000
START = datetime(2026, 1, 1, tzinfo=UTC)
MIDDLES = [
    Place(Order.NEWEST, (START + timedelta(minutes=PHOTO_COUNT // 2), "f" * 32)),
    Place(Order.USEFUL, (0.5, "0" * 32, "f" * 32)),
    Place(Order.DOUBTFUL, (0.5, "f" * 32)),
]


def test_pages_contain_every_photo_once_and_newest_first(collection: Collection) -> None:
    added = [collection.add().photo_id for _ in range(7)]
    pages, token = [], ""
    while True:
        page = collection.listed(page_size=3, page_token=token)
        pages.append([photo.photo_id for photo in page.photos])
        token = page.next_page_token
        if not token:
            break
        collection.add()  # which is newer than all pages that are still to come
    assert pages == [added[:3:-1], added[3:0:-1], added[:1]]


def test_filters_hold_together(collection: Collection) -> None:
    cherry = collection.add(request_id="answer-1", classification=answer("cherry", "3")).photo_id
    lime = collection.add(request_id="answer-2", classification=answer("lime", "4", verdict=2)).photo_id
    rest = collection.add(source=collection_pb2.PHOTO_SOURCE_REST).photo_id
    assert collection.ids(verdict=1) == [cherry]
    assert collection.ids(verdict=2, predicted_label="lime") == [lime]
    assert collection.ids(verdict=2, predicted_label="cherry") == []
    assert collection.ids(model_version="4") == [lime]
    assert collection.ids(source=collection_pb2.PHOTO_SOURCE_REST) == [rest]
    assert collection.ids(request_id="answer-1") == [cherry]
    received = {photo.photo_id: photo.received_at for photo in collection.listed().photos}
    assert collection.ids(received_from=received[lime]) == [rest, lime]
    assert collection.ids(received_before=received[lime]) == [cherry]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A database with 100,000 photos of five versions and ten classes."""
    file = tmp_path_factory.mktemp("many") / "collection.db"
    database, order = Database(f"sqlite:///{file}"), random.Random(3)
    rows = [
        {
            "id": f"{number:032x}",
            "classifier": FRUITS,
            "digest": f"{number:064x}",
            "sent_digest": f"{number:064x}",
            "width": 1,
            "height": 1,
            "size_bytes": 1,
            "source": "page",
            "received_at": START + timedelta(minutes=number),
            "verdict": order.choice(["recognised", "unsure"]),
            "predicted": f"class-{order.randrange(10)}",
            "report": order.choice([None, "right", "class"]),
            "label_kind": "class" if (label := order.choice([None, "kiwi"])) else None,
            "label": label,
            "revision": 0,
            "labelled_by": "",
            "look_group": f"{number - number % 3:032x}",
            "rank": order.random(),
            "doubt": order.choice([None, order.random()]),
        }
        for number in range(PHOTO_COUNT)
    ]
    with database.writing() as connection:
        connection.execute(insert(FILES), [{"digest": row["digest"], "is_kept": True, "since": START} for row in rows])
        connection.execute(insert(PHOTOS), rows)
    yield file
    database.close()


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(),
        Filter(verdict="unsure"),
        Filter(predicted="class-3"),
        Filter(report=ReportKind.CLASS),
        Filter(is_labelled=False),
        Filter(label=Label(LabelKind.CLASS, "kiwi")),
        Filter(received_from=START + timedelta(days=10), received_before=START + timedelta(days=20)),
        Filter(request_id="answer-1"),
    ],
    ids=str,
)
@pytest.mark.parametrize("after", [None, *MIDDLES], ids=lambda place: place.order if place else "first")
def test_a_page_among_100000_photos_is_found_by_an_index_and_not_sorted(
    many: Path, wanted: Filter, after: Place | None
) -> None:
    engine = create_engine(f"sqlite:///{many}")
    order = after.order if after else Order.NEWEST
    query = page_query(Page(FRUITS, wanted, 50, order, after)).compile(
        dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True}
    )
    values = [value.isoformat(" ") if isinstance(value, datetime) else value for value in query.params.values()]
    with engine.connect() as connection:
        bound = tuple(values[list(query.params).index(name)] for name in query.positiontup or ())
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", bound)]
    engine.dispose()
    assert any("USING INDEX" in step for step in plan), plan
    assert not [step for step in plan if step.startswith("SCAN collection_photos")], plan
    is_narrow = wanted.request_id or (order is not Order.NEWEST and wanted.label)  # finds fewer than it would pass over
    assert is_narrow or not [step for step in plan if "TEMP B-TREE" in step], plan


def test_the_last_page_of_100000_photos_is_what_it_should_be(many: Path) -> None:
    database = Database(f"sqlite:///{many}")
    after = Place(Order.NEWEST, (START + timedelta(minutes=3), f"{3:032x}"))
    page = PhotoList(database).page(Page(FRUITS, Filter(), 50, after=after))
    database.close()
    assert [int(photo.id, 16) for photo in page] == [2, 1, 0]
