"""Assembles the collection service from its parts."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, closing, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from socket import gethostname
from typing import NamedTuple

import grpc
import structlog
from verger.v1 import collection_pb2_grpc, datasets_pb2_grpc

from engine.errors import VergerError
from engine.photo.opening import Limits
from services.access.admission import admitting
from services.access.keys import MAX_LABEL_CHARACTERS, Scope
from services.access.start import key_store
from services.collection.config import CollectionSettings
from services.collection.datasets.importing import Importer
from services.collection.datasets.records import DatasetRecords
from services.collection.datasets.servicer import DatasetServicer
from services.collection.keeping import Keeper
from services.collection.photos.files import PhotoFiles
from services.collection.photos.preparing import prepare
from services.collection.records.database import Database
from services.collection.records.labels import LabelRecords
from services.collection.records.listing import PhotoList
from services.collection.records.outbox import AuditOutbox
from services.collection.records.photos import PhotoRecords
from services.collection.servicer import DELETED, CollectionServicer, Records, explained
from services.common.capacity.limit import AdaptiveLimit
from services.common.capacity.places import Places
from services.common.capacity.pool import WorkPool
from services.common.capacity.processes import LimitedProcesses
from services.common.errors import CollectionUnavailable
from services.common.rpc.server import RunningServer, running_server

log = structlog.get_logger(__name__)

SERVICE_NAME, DATASETS_NAME = "verger.v1.CollectionService", "verger.v1.DatasetService"

SCOPES = {
    f"/{SERVICE_NAME}/{method}": scope
    for scope, methods in {
        Scope.FEEDBACK: ("AddPhoto", "ReportAnswer"),
        Scope.REVIEW: ("ListPhotos", "GetPhoto", "LabelPhotos", "UndoLabels"),
        Scope.ADMIN: ("DeletePhotos",),
    }.items()
    for method in methods
} | {
    f"/{DATASETS_NAME}/{method}": scope
    for scope, methods in {
        Scope.REVIEW: ("CreateDataset", "ImportPhotos"),
        Scope.TRAIN: ("ListDatasets", "GetDataset", "ListDatasetPhotos", "FetchPhotos"),
    }.items()
    for method in methods
}

PREPARING_PROCESSES = 1
"""One photo at a time: nobody waits for it but the person who gives it."""

READINESS_SECONDS = 1.0
"""Interval at which the health follows the state of the database."""

CLEANING_SECONDS = 3600.0
"""Interval at which photos are deleted that are too old, and files that no photo needs."""

AUDIT_SECONDS = 2.0
"""Interval at which entries of the audit are sent to that of keys."""

MAX_CLOSE_SECONDS = 5.0
"""Time that the worker process gets to end. The end of this process does not wait longer for it."""


@asynccontextmanager
async def collection_server(settings: CollectionSettings) -> AsyncIterator[RunningServer]:
    """Serves until the block ends. The server is ready while its database answers.

    Raises:
        DatabaseUnusable, ValueError, ImportError, OSError: the settings name no database or storage that can be used.
    """
    keys = key_store(settings, "collection")
    with (
        closing(keys) if keys else nullcontext(),
        closing(Database(settings.collection_database, sends_audit=keys is not None)) as database,
    ):
        room = _room(settings, database)
        async with (
            admitting(settings, "collection", SCOPES) as admit,
            running_server(
                settings,
                settings.collection_port,
                settings.collection_metrics_port,
                [SERVICE_NAME, DATASETS_NAME],
                room.add_servicers,
                admit,
            ) as server,
        ):
            jobs = [_report(server, database), _clean(room.keeper, room.lifetime)]
            if keys:
                jobs.append(_send_audit(AuditOutbox(database, keys.write)))
            async with _running(jobs):
                yield server
    room.threads.close()
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.to_thread(room.processes.close), MAX_CLOSE_SECONDS)


class _Room(NamedTuple):
    servicer: CollectionServicer
    datasets: DatasetServicer
    keeper: Keeper
    lifetime: timedelta
    threads: WorkPool
    processes: LimitedProcesses

    def add_servicers(self, server: grpc.aio.Server) -> None:
        """Adds both services to a server."""
        collection_pb2_grpc.add_CollectionServiceServicer_to_server(self.servicer, server)
        datasets_pb2_grpc.add_DatasetServiceServicer_to_server(self.datasets, server)


def _room(settings: CollectionSettings, database: Database) -> _Room:
    """Puts together what keeps photos."""
    place, most = f"collection on {gethostname()}"[:MAX_LABEL_CHARACTERS], settings.collection_max_in_flight
    limits = Limits(settings.max_image_bytes, settings.max_image_pixels, settings.collection_decode_bytes)
    lifetime = timedelta(days=settings.collection_days)
    threads = WorkPool("collection", most)
    processes = LimitedProcesses(PREPARING_PROCESSES, settings.collection_decode_seconds, prepare.__module__)
    photos = PhotoRecords(database, place, _now)
    records = Records(photos, LabelRecords(database, place, _now), PhotoList(database))
    files, places = PhotoFiles(settings.collection_photos), Places(AdaptiveLimit(most, most))
    keeper = Keeper(photos, files, threads, processes, limits)
    servicer = CollectionServicer(keeper, records, threads, places, lifetime)
    versions = DatasetRecords(database, place, _now)
    importer = Importer(keeper, photos, records.labels, versions, threads)
    datasets = DatasetServicer(versions, files, importer, threads, places, lifetime)
    return _Room(servicer, datasets, keeper, lifetime, threads, processes)


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def _running(jobs: Sequence[Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Runs jobs until the block ends."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _report(server: RunningServer, database: Database) -> None:
    while True:
        try:
            with explained():
                await asyncio.to_thread(database.check)
            await server.set_ready(True)
        except VergerError:
            await server.set_ready(False, CollectionUnavailable.reason)
        await asyncio.sleep(READINESS_SECONDS)


async def _send_audit(outbox: AuditOutbox) -> None:
    while True:
        try:
            with explained():
                while await asyncio.to_thread(outbox.send):
                    pass
        except VergerError as error:
            log.warning("the audit of keys does not have all entries yet; the next time will", reason=error.reason)
        await asyncio.sleep(AUDIT_SECONDS)


async def _clean(keeper: Keeper, lifetime: timedelta) -> None:
    while True:
        try:
            with explained():
                DELETED.labels("expired").inc(await keeper.clean(lifetime))
        except VergerError as error:
            log.warning("photos that are too old were not deleted; the next time will", reason=error.reason)
        await asyncio.sleep(CLEANING_SECONDS)
