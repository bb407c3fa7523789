"""Sends every kind of request in turn: REST and gRPC, one photo and several, small and large, valid and invalid.

python -m benchmarks.load.mixed_load WEB_URL GRPC_TARGET FOLDER SECONDS CALLERS sends the JPEGs in FOLDER and prints one
line of JSON. After each answer a caller pauses for as long as the answer took, so each is busy half of the time.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
import httpx
from verger.v1 import classifier_pb2, classifier_pb2_grpc

CALL_SECONDS = 30
NO_PHOTO = b"This is not a photo."
Request = classifier_pb2.ClassifyRequest


class Unexpected(Exception):
    """An answer differs from what the request must get."""


class Client:
    """Sends requests of every kind. Each method raises Unexpected if the answer is wrong."""

    def __init__(self, http: httpx.AsyncClient, channel: grpc.aio.Channel, photos: Sequence[bytes]) -> None:
        self._http = http
        self._stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
        self._photos = photos
        self._random = random.Random(7)

    def kinds(self) -> list[Callable[[], Awaitable[None]]]:
        """Returns one method for each kind of request."""
        return [self.rest, self.rest_form, self.rest_bad, self.grpc_call, self.grpc_stream, self.grpc_bad]

    async def rest(self) -> None:
        """Sends one photo as the body."""
        photo, evidence = self._photo(), self._coin()
        response = await self._post(content=photo, params={"evidence": str(evidence).lower()})
        require(response.status_code == 200, response.text)
        _check_results(response.json(), [True], evidence)

    async def rest_form(self) -> None:
        """Sends a form with an invalid file between two photos."""
        evidence = self._coin()
        files = [("file", ("x.jpg", data, "image/jpeg")) for data in (self._photo(), NO_PHOTO, self._photo())]
        response = await self._post(files=files, params={"evidence": str(evidence).lower()})
        require(response.status_code == 200, response.text)
        _check_results(response.json(), [True, False, True], evidence)

    async def rest_bad(self) -> None:
        """Sends text, or the first half of a photo."""
        photo = self._photo()
        content, status = (NO_PHOTO, 415) if self._coin() else (photo[: len(photo) // 2], 422)
        response = await self._post(content=content)
        require(response.status_code == status, response.text)

    async def grpc_call(self) -> None:
        """Sends one photo in a unary call."""
        evidence = self._coin()
        response = await self._stub.Classify(
            Request(image=self._photo(), include_evidence=evidence), timeout=CALL_SECONDS
        )
        _check_classification(response.classification, evidence)

    async def grpc_stream(self) -> None:
        """Sends six items on one stream. One of them is invalid."""
        evidence = self._coin()
        images = {str(number): NO_PHOTO if number == 3 else self._photo() for number in range(6)}

        async def requests() -> AsyncIterator[Request]:
            for number, image in list(images.items()):  # a copy, because answers remove items meanwhile
                yield Request(request_id=number, image=image, include_evidence=evidence)

        async for response in self._stub.ClassifyStream(requests(), timeout=CALL_SECONDS):
            good = images.pop(response.request_id) != NO_PHOTO
            require(response.HasField("error") != good, response)
            if good:
                _check_classification(response.classification, evidence)
        require(not images, f"no answer to {list(images)}")

    async def grpc_bad(self) -> None:
        """Sends text in a unary call."""
        try:
            await self._stub.Classify(Request(image=NO_PHOTO), timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            require(error.code() is grpc.StatusCode.INVALID_ARGUMENT, error)
        else:
            raise Unexpected("text was classified as a photo")

    async def _post(self, **body: Any) -> httpx.Response:
        return await self._http.post("/api/v1/classify", **body)

    def _photo(self) -> bytes:
        return self._random.choice(self._photos)

    def _coin(self) -> bool:
        return self._random.random() < 0.5


def require(condition: bool, found: object) -> None:
    """Raises Unexpected with `found` unless the condition is true."""
    if not condition:
        raise Unexpected(str(found))


def _check_results(answer: dict[str, Any], good: Sequence[bool], evidence: bool) -> None:
    results = answer["results"]
    require([result["verdict"] is not None for result in results] == list(good), answer)
    require([bool(result.get("evidence")) for result in results] == [evidence and one for one in good], answer)


def _check_classification(found: classifier_pb2.Classification, evidence: bool) -> None:
    require(found.verdict != classifier_pb2.VERDICT_UNSPECIFIED, found)
    require(found.HasField("evidence") == evidence, found)


async def send(web: str, target: str, photos: Sequence[bytes], seconds: float, callers: int) -> dict[str, Any]:
    """Runs the load. Returns the number of requests of each kind, and the errors."""
    sent, wrong, end = Counter[str](), list[str](), time.monotonic() + seconds
    limit = ("grpc.max_send_message_length", 64 * 2**20)
    async with (
        httpx.AsyncClient(base_url=web, timeout=CALL_SECONDS) as http,
        grpc.aio.insecure_channel(target, options=[limit]) as channel,
    ):
        kinds = Client(http, channel, photos).kinds()

        async def caller(first: int) -> None:
            turn = first
            while time.monotonic() < end:
                kind = kinds[turn % len(kinds)]
                turn, begun = turn + 1, time.monotonic()
                sent[kind.__name__] += 1
                try:
                    await kind()
                except (Unexpected, httpx.HTTPError, grpc.aio.AioRpcError) as error:
                    wrong.append(f"{kind.__name__}: {error!r}")
                await asyncio.sleep(time.monotonic() - begun)

        await asyncio.gather(*(caller(number) for number in range(callers)))
    return {"sent": dict(sent), "errors": len(wrong), "first_errors": wrong[:10]}


if __name__ == "__main__":
    _, web_url, grpc_target, folder, duration, count = sys.argv
    images = [path.read_bytes() for path in sorted(Path(folder).glob("*.jpg"))]
    result = asyncio.run(send(web_url, grpc_target, images, float(duration), int(count)))
    sys.stdout.write(json.dumps(result) + "\n")
