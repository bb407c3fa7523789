"""Follows the registry's champion: loads, checks and swaps in new versions without a restart or a failed call."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
from verger.v1 import model_pb2

from engine.errors import FailedPrecondition, ModelCorrupt, Unavailable, VergerError, VersionUnknown
from engine.model.loading import LoadedModel, load_model
from registry.reader import RegistryReader
from services.common.errors import ModelNotLoaded, NoVersionYet
from services.common.process.memory import return_free_memory
from services.inference.metrics import MODEL_LIVE, MODEL_REFUSALS, MODEL_SWAPS, REGISTRY_UP
from services.inference.store import ModelStore

log = structlog.get_logger(__name__)

REFUSAL_RETRY_SECONDS = 60.0
"""Interval at which a refused version is tried again, because its files may have been repaired."""

SWAP_GRACE_SECONDS = 0.5
"""Time after a swap until free memory is returned. By then, calls in flight no longer use the old version."""


class Champion:
    """Holds the live version. Calls in flight keep the object that they started with, so a swap is one assignment."""

    def __init__(
        self,
        registry: RegistryReader,
        store: ModelStore,
        on_change: Callable[[], Awaitable[None]],
        cores: int,
        train_command: str,
    ) -> None:
        """Creates a champion without a live version.

        Args:
            registry: is asked for the champion.
            store: keeps verified local copies.
            on_change: is awaited whenever `follow` has changed `live` or `absence`.
            cores: see engine.model.loading.load_model.
            train_command: is shown to those who ask while there is no version.
        """
        self._cores = cores
        self._registry = registry
        self._store = store
        self._on_change = on_change
        self._train_command = train_command
        self._live: LoadedModel | None = None
        self._none_registered = False
        self._without_version_since = datetime.now(UTC)
        self._refusal: model_pb2.VersionRefusal | None = None
        self._refused_at = 0.0
        self._registry_unavailable = False

    @property
    def live(self) -> LoadedModel:
        """The live version.

        Raises:
            ModelNotLoaded: see `absence`.
        """
        if self._live is None:
            raise self._absence()
        return self._live

    @property
    def absence(self) -> ModelNotLoaded | None:
        """Says why no version is live, and what to do; NoVersionYet if the registry has none. None if one is live."""
        return self._absence() if self._live is None else None

    def _absence(self) -> ModelNotLoaded:
        since = self._without_version_since.isoformat(timespec="seconds")
        if self._refusal:
            why = f"Version {self._refusal.ref.version} was refused: {self._refusal.message}"
            return ModelNotLoaded(f"{why} Promote another one, or train one: {self._train_command}", since=since)
        if self._none_registered:
            name, train = self._registry.name, self._train_command
            message = f"No version of {name} is live yet. Train one: {train}"
            return NoVersionYet(message, since=since, model=name, train=train)
        return ModelNotLoaded("No version is live yet. Wait until one is loaded, or until MLflow is back.", since=since)

    def describe(self) -> model_pb2.Model:
        """Returns the description of the live version. Raises the same errors as `live`."""
        return self.live.describe(self._refusal)

    async def follow(self, poll_seconds: float) -> None:
        """Polls the registry and swaps in each new champion. Never returns."""
        while True:
            try:
                await self._poll()
            except Exception:  # polling must survive any error of MLflow or of the disk
                log.exception("polling the registry failed")
            await asyncio.sleep(poll_seconds)

    async def restore(self) -> bool:
        """Makes the version live that was live last, if the store has a valid copy. Returns whether it has."""
        folder = None
        try:
            last = self._store.last_live(self._registry.name)
            if last is None:
                return False
            ref, folder = last
            self._make_live(await asyncio.to_thread(load_model, ref, folder, self._cores))
        except Exception as error:  # whatever is wrong with the copy, a new one can be fetched
            log.warning("local copy refused", error=type(error).__name__, message=str(error))
            if folder is not None:
                self._store.discard(folder)
            return False
        return True

    async def _poll(self) -> None:
        try:
            ref = await asyncio.to_thread(self._registry.champion)
            if ref is None:
                await self._note_none()
            elif self._is_new(ref):
                await self._update(ref)
        except Unavailable as error:
            REGISTRY_UP.set(0)
            if not self._registry_unavailable:
                log.warning("registry unavailable", message=str(error))
            self._registry_unavailable = True
        else:
            REGISTRY_UP.set(1)
            if self._registry_unavailable:
                log.info("registry available again")
            self._registry_unavailable = False

    async def _note_none(self) -> None:
        if not self._none_registered and self._live is None:
            self._none_registered = True
            log.info("no version yet", model=self._registry.name)
            await self._on_change()

    async def _update(self, ref: model_pb2.ModelRef) -> None:
        try:
            model = await asyncio.to_thread(self._fetch, ref)
        except (FailedPrecondition, VersionUnknown) as error:
            self._refuse(ref, error)
            await self._on_change()
        else:
            self._make_live(model)
            await self._on_change()
            await asyncio.sleep(SWAP_GRACE_SECONDS)
            await asyncio.to_thread(return_free_memory)

    def _is_new(self, ref: model_pb2.ModelRef) -> bool:
        if self._live is not None and self._live.ref == ref:
            self._refusal = None
            return False
        refused = self._refusal is not None and self._refusal.ref == ref
        return not refused or time.monotonic() - self._refused_at > REFUSAL_RETRY_SECONDS

    def _fetch(self, ref: model_pb2.ModelRef) -> LoadedModel:
        download = partial(self._download, ref)
        folder = self._store.add(download)
        try:
            model = load_model(ref, folder, self._cores)
        except ModelCorrupt:  # perhaps only this copy is: a new one decides
            self._store.discard(folder)
            folder = self._store.add(download)
            model = self._load_or_discard(ref, folder)
        self._store.remember_live(ref, folder)
        return model

    def _load_or_discard(self, ref: model_pb2.ModelRef, folder: Path) -> LoadedModel:
        try:
            return load_model(ref, folder, self._cores)
        except ModelCorrupt:
            self._store.discard(folder)
            raise

    def _download(self, ref: model_pb2.ModelRef, path: str, destination: Path) -> None:
        self._registry.download(f"models:/{ref.name}/{ref.version}/{path}", destination)

    def _make_live(self, model: LoadedModel) -> None:
        if self._live is not None:
            MODEL_LIVE.remove(self._live.ref.name, self._live.ref.version, self._live.digest)
        self._live, self._refusal = model, None
        MODEL_LIVE.labels(model.ref.name, model.ref.version, model.digest).set(1)
        MODEL_SWAPS.inc()
        log.info("version live", model=model.ref.name, version=model.ref.version, digest=model.digest)

    def _refuse(self, ref: model_pb2.ModelRef, error: VergerError) -> None:
        self._refusal = model_pb2.VersionRefusal(ref=ref, reason=error.reason, message=str(error))
        self._refused_at = time.monotonic()
        MODEL_REFUSALS.labels(error.reason).inc()
        log.error("version refused", version=ref.version, reason=error.reason, message=str(error))
