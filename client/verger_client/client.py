"""The client for programs that wait for their answers."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from verger_client.address import parse_address
from verger_client.answers import Answer, Description, Result
from verger_client.attempts import Attempts
from verger_client.errors import TemporaryError, VergerError
from verger_client.grpc_wire import GrpcStream, GrpcWire
from verger_client.messages import Options
from verger_client.photos import Photo, encoded
from verger_client.rest_wire import RestWire

DEFAULT_ADDRESS = "localhost:50051"
DEFAULT_TIMEOUT_SECONDS = 30.0
DEFAULT_CONCURRENCY = 8

P = TypeVar("P", bound=Photo)


class Client:
    """Asks a running Verger what photos show. Threads may share it.

    >>> with Client() as client:
    ...     client.classify("examples/banana.jpg").label
    'banana'
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        key: str | None = None,
        ca_file: str | Path | None = None,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:
        """Prepares a connection; the first call opens it.

        Args:
            address: host:port or grpcs://host:port for gRPC, http://host:port or https://host for REST.
            key: the operator's key, where one is asked for.
            ca_file: certificates (PEM) to trust instead of the machine's own.
            timeout: seconds for a call with all its attempts, unless it says otherwise; greater than 0.

        Raises:
            ValueError: the address is none of Verger.
            ImportError: the address is one for REST, and httpx is not installed.
        """
        place = parse_address(address, ca_file)
        self._wire: GrpcWire | RestWire = GrpcWire(place, key) if place.is_grpc else RestWire(place, key)
        self._timeout = timeout

    def classify(
        self,
        photo: Photo,
        *,
        top_k: int = 0,
        evidence: bool = False,
        request_id: str = "",
        timeout: float | None = None,
    ) -> Answer:
        """Classifies one photo, and tries again after failures that may pass.

        Args:
            photo: a path, the bytes of an image file, a Pillow image or a uint8 array of shape [height, width, 3].
            top_k: number of predictions to return; 0 for all classes.
            evidence: whether to return the parts of the photo that speak for the first prediction.
            request_id: stands in the logs of the server, at most 128 characters; it makes one where this is empty.
            timeout: seconds for all attempts; that of the client by default.

        Raises:
            PhotoError, RequestError, AccessError, TemporaryError, ServerError: see verger_client.errors.
        """
        image, options = encoded(photo), Options(top_k, evidence)
        attempts = Attempts(timeout or self._timeout)
        while True:
            try:
                return self._wire.classify(image, options, request_id, attempts.left)
            except TemporaryError as error:
                time.sleep(attempts.pause_after(error))

    def classify_many(
        self,
        photos: Iterable[P],
        *,
        concurrency: int = DEFAULT_CONCURRENCY,
        top_k: int = 0,
        evidence: bool = False,
        timeout: float | None = None,
    ) -> Iterator[Result]:
        """Classifies photos side by side and yields a result for each, in the order of the answers.

        Photos are taken from the iterable as answers come, so it may be endless. The error of one photo is its result
        and does not end the others. Over gRPC, the photos go over one stream.

        Args:
            photos: see classify; each result names its own.
            concurrency: most photos that wait for their answers, at least 1.
            top_k, evidence: see classify.
            timeout: seconds for each photo; that of the client by default.
        """
        options, seconds = Options(top_k, evidence), timeout or self._timeout
        if isinstance(self._wire, GrpcWire):
            return self._streamed(self._wire, iter(photos), concurrency, options, seconds)
        return self._in_threads(iter(photos), concurrency, options, seconds)

    def describe(self, *, timeout: float | None = None) -> Description:
        """Describes the live version and the photos that are accepted. Raises as `classify` does."""
        attempts = Attempts(timeout or self._timeout)
        while True:
            try:
                return self._wire.describe(attempts.left)
            except TemporaryError as error:
                time.sleep(attempts.pause_after(error))

    def close(self) -> None:
        """Closes the connection."""
        self._wire.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _result(self, photo: P, options: Options, timeout: float) -> Result:
        """Classifies one photo by itself."""
        try:
            answer = self.classify(photo, top_k=options.top_k, evidence=options.evidence, timeout=timeout)
        except VergerError as error:
            return Result(photo, error=error)
        return Result(photo, answer)

    def _streamed(
        self, wire: GrpcWire, photos: Iterator[P], concurrency: int, options: Options, timeout: float
    ) -> Iterator[Result]:
        """Sends what the stream could not answer, for now, once more by itself."""
        stream: GrpcStream | None = None
        waiting: dict[str, P] = {}
        try:
            while True:
                for photo in photos:
                    try:
                        image = encoded(photo)
                    except VergerError as error:
                        yield Result(photo, error=error)
                        continue
                    stream = stream or wire.stream(options)
                    waiting[stream.send(image)] = photo
                    if len(waiting) >= concurrency:
                        break
                if stream is None or not waiting:
                    return
                try:
                    request_id, outcome = stream.receive(timeout)
                except VergerError:
                    stream.close()
                    broken, waiting, stream = waiting, {}, None
                    yield from (self._result(photo, options, timeout) for photo in broken.values())
                    continue
                yield self._settled(waiting.pop(request_id), outcome, options, timeout)
        finally:
            if stream:
                stream.close()

    def _settled(self, photo: P, outcome: Answer | VergerError, options: Options, timeout: float) -> Result:
        if isinstance(outcome, TemporaryError):
            return self._result(photo, options, timeout)
        return Result(photo, error=outcome) if isinstance(outcome, VergerError) else Result(photo, outcome)

    def _in_threads(self, photos: Iterator[P], concurrency: int, options: Options, timeout: float) -> Iterator[Result]:
        waiting: set[Future[Result]] = set()
        with ThreadPoolExecutor(concurrency) as pool:
            for photo in photos:
                waiting.add(pool.submit(self._result, photo, options, timeout))
                if len(waiting) >= concurrency:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
