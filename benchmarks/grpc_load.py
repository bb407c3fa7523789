"""Loads Verger over gRPC, from a process of its own (no gRPC load generator is in the package registries we rely on).

python -m benchmarks.grpc_load TARGET PHOTO CONCURRENCY SECONDS unary|stream RATE prints one line of JSON. RATE 0: each
of CONCURRENCY callers sends as soon as its last answer came. Otherwise unary calls are sent RATE times a second,
whatever has come back, and refusals (RESOURCE_EXHAUSTED) are counted apart from errors.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from benchmarks.measure import latencies

Stub = classifier_pb2_grpc.ClassifierServiceStub
CALL_SECONDS = 10


@dataclass
class Tally:
    """What came of the calls."""

    times: list[float] = field(default_factory=list)
    errors: int = 0
    refused: int = 0


async def main(target: str, image: bytes, concurrency: str, seconds: str, mode: str, rate: str) -> None:
    """Runs one load."""
    tally = Tally()
    limit = ("grpc.max_send_message_length", 64 * 2**20)
    async with grpc.aio.insecure_channel(target, options=[limit]) as channel:
        stub = Stub(channel)
        await stub.Classify(classifier_pb2.ClassifyRequest(image=image), timeout=CALL_SECONDS, wait_for_ready=True)
        begun = time.perf_counter()
        if float(rate):
            await steady(stub, image, float(rate), begun + float(seconds), tally)
        elif mode == "stream":
            await stream(stub, image, int(concurrency), begun + float(seconds), tally)
        else:
            await asyncio.gather(*(caller(stub, image, begun + float(seconds), tally) for _ in range(int(concurrency))))
        sample = latencies(tally.times, time.perf_counter() - begun, tally.errors)
    sys.stdout.write(json.dumps({**sample, "refused": tally.refused}) + "\n")


async def call(stub: Stub, image: bytes, tally: Tally) -> None:
    """One photo."""
    started = time.perf_counter()
    try:
        await stub.Classify(classifier_pb2.ClassifyRequest(image=image), timeout=CALL_SECONDS)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
            tally.refused += 1
        else:
            tally.errors += 1
    else:
        tally.times.append(time.perf_counter() - started)


async def caller(stub: Stub, image: bytes, end: float, tally: Tally) -> None:
    """One photo after the other."""
    while time.perf_counter() < end:
        await call(stub, image, tally)


async def steady(stub: Stub, image: bytes, rate: float, end: float, tally: Tally) -> None:
    """Photos at a steady rate."""
    due, calls = time.perf_counter(), set[asyncio.Task[None]]()
    while due < end:
        await asyncio.sleep(max(0, due - time.perf_counter()))
        task = asyncio.create_task(call(stub, image, tally))
        calls.add(task)
        task.add_done_callback(calls.discard)
        due += 1 / rate
    await asyncio.gather(*calls)


async def stream(stub: Stub, image: bytes, in_flight: int, end: float, tally: Tally) -> None:
    """One stream with so many photos under way."""
    places, sent = asyncio.Semaphore(in_flight), dict[str, float]()

    async def requests() -> AsyncIterator[classifier_pb2.ClassifyRequest]:
        number = 0
        while time.perf_counter() < end:
            await places.acquire()
            number += 1
            sent[str(number)] = time.perf_counter()
            yield classifier_pb2.ClassifyRequest(request_id=str(number), image=image)

    async for response in stub.ClassifyStream(requests()):
        started = sent.pop(response.request_id)
        places.release()
        if response.HasField("error"):
            tally.errors += 1
        else:
            tally.times.append(time.perf_counter() - started)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]).read_bytes(), *sys.argv[3:]))
