"""A preprocess server with scripted answers, and the real web service in front of it."""

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
from engine.photo.decoding import decode
from engine.photo.opening import FORMATS, Limits
from services.common.rpc.inbox import Inbox
from services.common.rpc.interceptor import CallInterceptor
from services.common.rpc.statuses import to_status
from services.web.app import create_app
from services.web.config import WebSettings
from services.web.server.configuration import server_config

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
    """Returns the description of a model. classes maps labels, which are also the English names, to French names."""
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
    """Returns an answer.

    Args:
        ranking: probabilities, 0 to 1, by label, most probable first.
        verdict: the verdict.
        version: the version that answers.
        evidence: the rows of the evidence map, one byte a cell; none for an answer without a map.
    """
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
"""Evidence map of three rows and four columns with all evidence in the left half."""

BANANA_ON_THE_LEFT = answer(_BANANA_FIRST, evidence=LEFT_HALF)


POLL_SECONDS = 0.01


class ScriptedClassifier(classifier_pb2_grpc.ClassifierServiceServicer):
    """Decodes photos as preprocess does, and gives the scripted answers once `gate` is set.

    outcomes: one for each call; the last one is repeated. arrivals: released once for each call that has arrived.
    """

    def __init__(self) -> None:
        self.description = description()
        self.description_error: VergerError | None = None
        self.describe_calls = 0
        self.outcomes: Sequence[classifier_pb2.ClassifyResponse | VergerError] = [BANANA]
        self.requests: list[classifier_pb2.ClassifyRequest] = []
        self.deadlines: list[float | None] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.max_concurrent = self._concurrent = 0
        self.gate = threading.Event()  # tests in a browser set it from another thread than the server's
        self.gate.set()
        self.arrivals = asyncio.Semaphore(0)
        self.cancelled = asyncio.Event()

    async def Classify(
        self, request: classifier_pb2.ClassifyRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> classifier_pb2.ClassifyResponse:
        """Returns or raises the next outcome, or the photo's own error if it can't be decoded."""
        self.requests.append(request)
        self.deadlines.append(context.time_remaining())
        self.metadata.append(dict(context.invocation_metadata() or ()))
        outcome = self.outcomes[min(len(self.requests), len(self.outcomes)) - 1]
        self._concurrent += 1
        self.max_concurrent = max(self.max_concurrent, self._concurrent)
        self.arrivals.release()
        try:
            while not self.gate.is_set():  # noqa: ASYNC110  # another thread sets it
                await asyncio.sleep(POLL_SECONDS)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        finally:
            self._concurrent -= 1
        decode(request.image, model_pb2.Preprocessing(width=224, height=224), Limits())
        if isinstance(outcome, VergerError):
            raise outcome
        outcome.request_id = request.request_id
        return outcome

    async def ClassifyStream(
        self, requests: AsyncIterator[classifier_pb2.ClassifyRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[classifier_pb2.ClassifyResponse]:
        """Answers each photo as Classify does; an error is the answer to its photo."""
        async for request in requests:
            try:
                yield await self.Classify(request, context)
            except VergerError as error:
                yield classifier_pb2.ClassifyResponse(request_id=request.request_id, error=to_status(error))

    async def DescribeClassifier(self, *_: Any) -> classifier_pb2.DescribeClassifierResponse:
        """Returns or raises the scripted description."""
        self.describe_calls += 1
        if self.description_error:
            raise self.description_error
        return self.description


@asynccontextmanager
async def scripted_server(classifier: ScriptedClassifier, port: int = 0) -> AsyncIterator[int]:
    """Serves the scripted classifier; yields its port."""
    limit = [("grpc.max_receive_message_length", 64 * 2**20)]
    server = grpc.aio.server(
        interceptors=[CallInterceptor(10, Inbox(2**30, 2**29))], options=[*limit, ("grpc.so_reuseport", 0)]
    )
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
    """Runs the web service under uvicorn in a thread of its own; yields its address."""
    own = WebSettings(_env_file=None, web_port=0, preprocess_target=f"127.0.0.1:{preprocess_port}", **settings)
    server = uvicorn.Server(server_config(create_app(own), own))
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
    """Returns a multipart form for httpx; each file is a name and its bytes."""
    return [("file", file) for file in files]
