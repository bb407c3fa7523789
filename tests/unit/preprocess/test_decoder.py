"""Photos that would take long or much to decode. The processes are real, and so are the photos."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from verger.v1 import inference_pb2, model_pb2

from engine.errors import ImageCorrupt, ImageTooComplex, ImageTooManyPixels
from engine.photo import opening
from engine.photo.decoding import preprocess
from engine.photo.opening import Limits
from engine.photo.tensor import to_tensor
from services.common.capacity.pool import WorkPool
from services.common.errors import OutOfMemory, Overloaded
from services.preprocess import decoder as decoders
from services.preprocess.decoder import Decoder, HeavyLimits
from tests.support.pictures.photos import encoded, plain, scene, with_repeated_scan

SPEC = model_pb2.Preprocessing(
    width=32,
    height=32,
    resampling=model_pb2.RESAMPLING_BILINEAR,
    draft_factor=2,
    dtype=model_pb2.DATA_TYPE_UINT8,
)
LIGHT = encoded(scene(), "JPEG")
HEAVY = encoded(scene((640, 480)), "PNG")
SLOW = with_repeated_scan(encoded(scene((2400, 2400)), "JPEG", progressive=True), 50)


def decoder_with(**limits: float) -> Decoder:
    heavy = HeavyLimits(**{"workers": 1, "max_seconds": 60, "budget_bytes": 128 * 2**20} | limits)  # type: ignore[arg-type]
    return Decoder(WorkPool("decode", workers=1), Limits(), heavy)


@pytest.fixture(autouse=True)
def small_photos_are_heavy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the tests the time of making and decoding large ones."""
    monkeypatch.setattr(opening, "LIGHT_BYTES", 2**20)


@pytest.fixture
async def decoder() -> AsyncIterator[Decoder]:
    made = decoder_with()
    yield made
    made.close()


@pytest.fixture
async def hasty_decoder() -> AsyncIterator[Decoder]:
    made = decoder_with(max_seconds=0.05)
    yield made
    made.close()


async def tensor(decoder: Decoder, photo: bytes) -> inference_pb2.Tensor:
    return (await decoder.decode(photo, SPEC)).value


@pytest.mark.parametrize("photo", [LIGHT, HEAVY], ids=["light", "heavy"])
async def test_a_photo_gives_the_same_tensor_in_a_thread_and_in_a_process(decoder: Decoder, photo: bytes) -> None:
    assert await tensor(decoder, photo) == to_tensor(preprocess(photo, SPEC, Limits()), SPEC)


async def test_a_photo_that_takes_too_long_is_ended_and_the_next_one_is_answered(hasty_decoder: Decoder) -> None:
    with pytest.raises(ImageTooComplex, match="takes longer"):
        await tensor(hasty_decoder, SLOW)
    assert await tensor(hasty_decoder, LIGHT)


async def test_light_photos_are_answered_while_heavy_ones_are_decoded(decoder: Decoder) -> None:
    heavy = asyncio.create_task(tensor(decoder, SLOW))
    for _ in range(20):
        await tensor(decoder, LIGHT)
    assert not heavy.done()
    heavy.cancel()


async def test_heavy_photos_take_a_share_of_the_places_only(decoder: Decoder) -> None:
    waiting = [asyncio.create_task(tensor(decoder, SLOW)) for _ in range(5)]
    done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert isinstance(done.pop().exception(), Overloaded)
    for task in pending:
        task.cancel()


async def test_a_worker_that_dies_costs_its_photo_alone(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(decoders, "decode_heavy", crash)
        with pytest.raises(ImageCorrupt):
            await tensor(decoder, HEAVY)
    assert await tensor(decoder, HEAVY)


async def test_a_worker_that_the_kernel_kills_for_memory_does_not_make_its_photo_a_damaged_one(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoders, "decode_heavy", be_killed)
    with pytest.raises(OutOfMemory):
        await tensor(decoder, HEAVY)


async def test_a_light_photo_for_which_there_is_no_memory_is_not_a_damaged_one(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(decoders, "resized", without_memory)
    with pytest.raises(OutOfMemory) as refusal:
        await tensor(decoder, LIGHT)
    assert refusal.value.retry_after_seconds


async def test_the_time_of_heavy_photos_is_in_the_metrics(decoder: Decoder) -> None:
    before = [observed(name) for name in STAGE_METRICS]
    await tensor(decoder, HEAVY)
    counts, seconds = zip(*(observed(name) for name in STAGE_METRICS), strict=True)
    assert [count - old for count, (old, _) in zip(counts, before, strict=True)] == [1, 1]
    assert seconds[0] > before[0][1]


STAGE_METRICS = ("verger_stage_seconds", "verger_queue_seconds")


def observed(name: str) -> tuple[float, float]:
    """Number and sum of the observations of heavy photos."""
    values = (REGISTRY.get_sample_value(f"{name}_{part}", {"stage": "decode_heavy"}) for part in ("count", "sum"))
    count, total = (value or 0.0 for value in values)
    return count, total


async def test_a_photo_that_takes_more_memory_than_its_estimate_is_refused(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(decoders, "decode_heavy", decode_with_little_memory)
        with pytest.raises(ImageTooManyPixels, match="more memory"):
            await tensor(decoder, encoded(plain(size=(3000, 3000)), "PNG"))


def crash(*_: object) -> None:
    """Runs in a worker process."""
    import os
    import signal

    os.kill(os.getpid(), signal.SIGSEGV)


def be_killed(*_: object) -> None:
    """Runs in a worker process."""
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


def decode_with_little_memory(photo: bytes, spec: bytes, limits: Limits, memory_bytes: int) -> object:
    """Runs in a worker process."""
    from services.common.capacity import processes
    from services.preprocess import heavy

    processes.SPARE_BYTES = 0
    return heavy.decode_heavy(photo, spec, limits, memory_bytes // 8)


def test_workers_load_no_server() -> None:
    """They would take its memory many times over."""
    source = (Path(decoders.__file__).parent / "heavy.py").read_text()
    assert "grpc" not in source
