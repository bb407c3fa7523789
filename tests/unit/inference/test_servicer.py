"""Which session of the live model a call uses. No network is involved."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import grpc
import numpy as np
from numpy.typing import NDArray
from verger.v1 import inference_pb2, model_pb2

from engine.model.loading import LoadedModel, load_model
from engine.model.session import OnnxSession
from services.common.capacity.limit import AdaptiveLimit
from services.common.capacity.places import Client, Places
from services.common.capacity.pool import WorkPool
from services.common.rpc.inbox import Arrived, Inbox, Incoming
from services.inference.champion import Champion
from services.inference.servicer import InferenceServicer
from tests.support.tensors import pixels_tensor
from tests.support.tiny_model import tiny_version
from tests.support.waiting import wait_until


class RecordingSession(OnnxSession):
    """Appends its name to `calls` on each call, and answers once `may_answer` is set."""

    def __init__(self, path: Path, name: str, calls: list[str], may_answer: threading.Event) -> None:
        super().__init__(path)
        self._name, self._calls, self._may_answer = name, calls, may_answer

    def logits(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self._calls.append(self._name)
        self._may_answer.wait(60)
        return super().logits(batch)


class FixedChampion(Champion):
    """A champion whose live model never changes."""

    def __init__(self, model: LoadedModel) -> None:
        self._live = model


async def test_a_call_uses_several_cores_only_while_no_other_is_in_progress(tmp_path: Path) -> None:
    calls: list[str] = []
    may_answer = threading.Event()
    graph = tiny_version(tmp_path) / "model.onnx"
    one, several = (RecordingSession(graph, name, calls, may_answer) for name in ("one core", "several cores"))
    model = load_model(model_pb2.ModelRef(name="colours", version="1"), tmp_path)
    pool = WorkPool("compute", workers=3)
    champion = FixedChampion(replace(model, session=one, multicore_session=several))
    servicer = InferenceServicer(champion, pool, Places(AdaptiveLimit(4, 4)), max_items_in_flight=4)
    together = asyncio.create_task(answers(servicer, 3))
    await asyncio.to_thread(wait_until, lambda: len(calls) == 3, what="three calls side by side")
    may_answer.set()
    assert len(await together) == 3
    assert sorted(calls) == ["one core", "one core", "several cores"]  # threads start in any order
    await answers(servicer, 1)
    assert calls[3:] == ["several cores"]
    pool.close()


async def answers(servicer: InferenceServicer, photos: int) -> Sequence[inference_pb2.InferResponse]:
    async def arrivals() -> AsyncIterator[Arrived[inference_pb2.InferRequest]]:
        for number in range(photos):
            tensor = pixels_tensor(np.zeros((32, 32, 3), np.uint8))
            yield Arrived(1, inference_pb2.InferRequest(request_id=str(number), tensor=tensor))

    requests = Incoming(Inbox(1000, 1), arrivals(), Client("preprocess"))
    context = grpc.aio.ServicerContext  # the servicer does not use it
    return [answer async for answer in servicer.Infer(requests, context) if not answer.HasField("error")]
