"""Loads Verger over one ClassifyStream, because no common load generator supports gRPC streams.

python -m benchmarks.load.grpc_stream TARGET PHOTO IN_FLIGHT SECONDS prints one line of JSON. It sends the next photo
as soon as an answer arrives. This client uses up to 1 ms of processor time per photo, on the cores of the services.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from benchmarks.load.measure import latencies


async def main(target: str, image: bytes, in_flight: int, seconds: float) -> None:
    """Runs one load."""
    times, errors, sent = list[float](), 0, dict[str, float]()
    places = asyncio.Semaphore(in_flight)
    limit = ("grpc.max_send_message_length", 64 * 2**20)
    async with grpc.aio.insecure_channel(target, options=[limit]) as channel:
        await asyncio.wait_for(channel.channel_ready(), 10)
        begun = time.perf_counter()

        async def requests() -> AsyncIterator[classifier_pb2.ClassifyRequest]:
            while time.perf_counter() < begun + seconds:
                await places.acquire()
                number = str(len(times) + errors + len(sent))
                sent[number] = time.perf_counter()
                yield classifier_pb2.ClassifyRequest(request_id=number, image=image)

        async for response in classifier_pb2_grpc.ClassifierServiceStub(channel).ClassifyStream(requests()):
            took = time.perf_counter() - sent.pop(response.request_id)
            places.release()
            if response.HasField("error"):
                errors += 1
            else:
                times.append(took)
        sample = latencies(times, time.perf_counter() - begun, errors)
    sys.stdout.write(json.dumps(sample) + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]).read_bytes(), int(sys.argv[3]), float(sys.argv[4])))
