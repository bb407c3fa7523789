"""Decodes photos: light ones on threads, heavy ones in processes that are killed when they take too long."""

import time
from dataclasses import dataclass, replace

from verger.v1 import inference_pb2, model_pb2

from engine.photo.decoding import resized
from engine.photo.opening import Limits, open_photo
from engine.photo.tensor import to_tensor
from services.common.capacity.budget import MemoryBudget
from services.common.capacity.pool import Timed, WorkPool, observe
from services.common.capacity.processes import LimitedProcesses
from services.common.errors import OutOfMemory, Overloaded
from services.preprocess.heavy import decode_heavy

MAX_LIGHT_SECONDS = 5.0
"""Time after which a thread that decodes one light photo counts as stuck. The slowest light photos take 0.2 s."""


@dataclass(frozen=True)
class HeavyLimits:
    """How much heavy photos may take in all. The limits of a single photo are those of engine.photo.opening.Limits."""

    workers: int
    """Processes that decode heavy photos."""

    max_seconds: float
    """Time limit of decoding one heavy photo."""

    budget_bytes: int
    """Memory of all heavy photos that are being decoded."""

    @property
    def max_in_flight(self) -> int:
        """Heavy photos that are decoded or wait. Further ones are refused, which leaves slots for light ones."""
        return 4 * self.workers


class Decoder:
    """Turns encoded photos into tensors.

    Nothing can end a thread that decodes. Threads do for light photos, whose time and memory are known to be small, and
    nearly all photos are light; a process would add 0.3 ms to each. All others are decoded in a process of limited time
    and memory.
    """

    def __init__(self, threads: WorkPool, limits: Limits, heavy: HeavyLimits) -> None:
        """Creates the decoder; its processes start with the first heavy photo.

        Args:
            threads: where photos are opened and light ones decoded.
            limits: largest photos to accept.
            heavy: what heavy photos may take.
        """
        self.limits = replace(limits, max_memory_bytes=heavy.budget_bytes)
        self._threads = threads
        self._heavy = heavy
        self._in_flight = 0
        self._budget = MemoryBudget(heavy.budget_bytes)
        self._processes = LimitedProcesses(heavy.workers, heavy.max_seconds, decode_heavy.__module__)

    async def decode(self, photo: bytes, spec: model_pb2.Preprocessing) -> Timed[inference_pb2.Tensor]:
        """Decodes one photo to a tensor of the contract's size.

        Raises:
            InvalidArgument: one of the Image... errors of engine.errors.
            OutOfMemory: there was no memory for decoding.
            Overloaded: many heavy photos are being decoded.
        """
        try:
            opened = await self._threads.run(lambda: self._open(photo, spec))
        except MemoryError:
            raise OutOfMemory from None
        if isinstance(opened.value, inference_pb2.Tensor):
            return Timed(opened.value, opened.queue_ms, opened.work_ms)
        heavy = await self._decode_heavy(photo, spec, opened.value)
        return Timed(heavy.value, opened.queue_ms + heavy.queue_ms, opened.work_ms + heavy.work_ms)

    @property
    def is_stuck(self) -> bool:
        """Whether all threads have been busy with the same photos for MAX_LIGHT_SECONDS. New ones would have to wait.

        A heavy photo never counts, because its process is ended in time.
        """
        return self._threads.stuck_seconds > MAX_LIGHT_SECONDS

    def close(self) -> None:
        """Ends all processes, whatever they do."""
        self._processes.close()

    def _open(self, photo: bytes, spec: model_pb2.Preprocessing) -> inference_pb2.Tensor | int:
        """Returns the tensor of a light photo, or the memory that decoding a heavy one takes, in bytes."""
        opened = open_photo(photo, spec, self.limits)
        return to_tensor(resized(opened, spec), spec) if opened.is_light else opened.memory_bytes

    async def _decode_heavy(
        self, photo: bytes, spec: model_pb2.Preprocessing, memory_bytes: int
    ) -> Timed[inference_pb2.Tensor]:
        if self._in_flight == self._heavy.max_in_flight:
            raise Overloaded("Many large photos are being decoded. Wait a second, or send a smaller copy.")
        self._in_flight += 1
        asked = time.perf_counter()
        try:
            async with self._budget.reserved(memory_bytes):
                tensor, work_ms = await self._in_process(photo, spec, memory_bytes)
        finally:
            self._in_flight -= 1
        queue_ms = (time.perf_counter() - asked) * 1e3 - work_ms
        return observe("decode_heavy", Timed(tensor, queue_ms, work_ms))

    async def _in_process(
        self, photo: bytes, spec: model_pb2.Preprocessing, memory_bytes: int
    ) -> tuple[inference_pb2.Tensor, float]:
        serialised = spec.SerializeToString()
        tensor, work_ms = await self._processes.run(decode_heavy, photo, serialised, self.limits, memory_bytes)
        return inference_pb2.Tensor.FromString(tensor), work_ms
