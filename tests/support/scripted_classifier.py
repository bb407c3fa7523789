"""A real preprocess server whose answers a test writes, and the real web service in front of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import grpc
import uvicorn
from grpc_health.v1 import health, health_pb2_grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc, model_pb2

from engine.errors import VergerError
from engine.photo.decoding import FORMATS, Limits, decode
from services.common.rpc.interceptor import CallInterceptor
from services.web.app import create_app
from services.web.config import WebSettings

FRUITS = {
    "apple": "pomme",
    "avocado": "avocat",
    "banana": "banane",
    "cherry": "cerise",
    "kiwi": "kiwi",
    "mango": "mangue",
    "orange": "orange",
    "pineapple": "ananas",
    "strawberry": "fraise",
    "watermelon": "pastèque",
}
MODEL_NAME = "fruit-classifier"


def description(version: str = "3", classes: dict[str, str] = FRUITS) -> classifier_pb2.DescribeClassifierResponse:
    """Describes a model; classes maps labels, which are English names as well, to French names."""
    response = classifier_pb2.DescribeClassifierResponse()
    response.model.ref.name, response.model.ref.version = MODEL_NAME, version
    response.model.digest = "ab" * 32
    response.model.live_since.FromDatetime(datetime(2026, 5, 4, 12, tzinfo=UTC))
    for label, french in classes.items():
        response.model.contract.classes.add(label=label, display_names={"en": label, "fr": french})
    response.model.contract.provenance.test_metrics.update(accuracy=0.947, images=1000)
    response.limits.max_bytes, response.limits.max_pixels = 20 * 2**20, 64_000_000
    response.limits.media_types.extend(FORMATS.values())
    return response


def answer(
    ranking: dict[str, float],
    verdict: classifier_pb2.Verdict = classifier_pb2.VERDICT_RECOGNISED,
    version: str = "3",
    evidence: Sequence[bytes] = (),
) -> classifier_pb2.ClassifyResponse:
    """An answer with these predictions, best first, and the rows of its evidence if it has any."""
    response = classifier_pb2.ClassifyResponse()
    response.classification.verdict = verdict
    response.classification.model.CopyFrom(model_pb2.ModelRef(name=MODEL_NAME, version=version))
    for label, probability in ranking.items():
        response.classification.predictions.add(label=label, probability=probability)
    if evidence:
        cells = response.classification.evidence
        cells.height, cells.width, cells.strength = len(evidence), len(evidence[0]), b"".join(evidence)
    response.timings.decode_queue_ms, response.timings.decode_ms = 0.5, 12.25
    response.timings.compute_queue_ms, response.timings.compute_ms = 0.25, 9.5
    return response


_BANANA_FIRST = {"banana": 0.96, "mango": 0.02, "apple": 0.01, "kiwi": 0.006, "orange": 0.004}
BANANA = answer(_BANANA_FIRST)

LEFT_HALF = [bytes([255, 255, 0, 0])] * 3
"""Evidence of three rows and four columns: all that speaks is on the left."""

BANANA_ON_THE_LEFT = answer(_BANANA_FIRST, evidence=LEFT_HALF)


class ScriptedClassifier(classifier_pb2_grpc.ClassifierServiceServicer):
    """Refuses what preprocess refuses, by the same code; else gives the scripted answer, after `gate` has opened."""

    def __init__(self) -> None:
        self.description = description()
        self.description_error: VergerError | None = None
        self.descriptions_asked = 0
        self.outcomes: Sequence[classifier_pb2.ClassifyResponse | VergerError] = [BANANA]
        self.requests: list[classifier_pb2.ClassifyRequest] = []
        self.deadlines: list[float | None] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.most_at_once = self._now = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrivals = asyncio.Semaphore(0)
        self.cancelled = asyncio.Event()

    async def Classify(
        self, request: classifier_pb2.ClassifyRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> classifier_pb2.ClassifyResponse:
        """The outcomes in turn, the last one for ever."""
        self.requests.append(request)
        self.deadlines.append(context.time_remaining())
        self.metadata.append(dict(context.invocation_metadata() or ()))
        outcome = self.outcomes[min(len(self.requests), len(self.outcomes)) - 1]
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        self.arrivals.release()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        finally:
            self._now -= 1
        decode(request.image, model_pb2.Preprocessing(width=224, height=224), Limits())
        if isinstance(outcome, VergerError):
            raise outcome
        outcome.request_id = request.request_id
        return outcome

    async def DescribeClassifier(self, *_: Any) -> classifier_pb2.DescribeClassifierResponse:
        """The scripted description."""
        self.descriptions_asked += 1
        if self.description_error:
            raise self.description_error
        return self.description


@asynccontextmanager
async def scripted_server(classifier: ScriptedClassifier, port: int = 0) -> AsyncIterator[int]:
    """Serves the scripted classifier; gives the port."""
    limit = [("grpc.max_receive_message_length", 64 * 2**20)]
    server = grpc.aio.server(interceptors=[CallInterceptor(10)], options=[*limit, ("grpc.so_reuseport", 0)])
    classifier_pb2_grpc.add_ClassifierServiceServicer_to_server(classifier, server)
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


@asynccontextmanager
async def web_server(preprocess_port: int, **settings: Any) -> AsyncIterator[str]:
    """Runs the real application under the real uvicorn, on a thread of its own; gives its address."""
    own = WebSettings(_env_file=None, preprocess_target=f"127.0.0.1:{preprocess_port}", **settings)
    config = uvicorn.Config(
        create_app(own),
        host="127.0.0.1",
        port=0,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the web service did not start"
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await asyncio.to_thread(thread.join)


def form(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    """A multipart form with these photos, for httpx; each has a name and its bytes."""
    return [("file", file) for file in files]
