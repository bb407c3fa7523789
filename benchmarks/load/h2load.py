"""Loads one unary gRPC method with h2load, nghttp2's load generator (https://nghttp2.org/documentation/h2load.1.html).

A unary call is an HTTP/2 POST whose body is five bytes of framing and the message. h2load does not read the gRPC
status, which follows the body, so it counts a refused call as a success (200). The outcomes of the calls are therefore
read from the counters of the service before and after the load.
"""

import math
import struct
import subprocess
import tempfile
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from verger.v1 import classifier_pb2

from benchmarks.load.measure import Sample, latencies

METHOD = "/verger.v1.ClassifierService/Classify"
CONNECTION_SECONDS = 8
"""Verger closes connections after 9 to 11 s. h2load uses one connection and would then stop, so it runs in parts."""
Call = tuple[int, int, int]
"""Start in microseconds, HTTP status, duration in microseconds."""
OK, REFUSED, CANCELLED = "OK", "RESOURCE_EXHAUSTED", "CANCELLED"


@dataclass(frozen=True)
class Classify:
    """ClassifierService.Classify of a preprocess service on this machine."""

    port: int
    metrics_port: int

    def callers(self, photo: Path, concurrency: int, seconds: float) -> Sample:
        """Runs `concurrency` callers on one connection. Each sends the next photo as soon as it gets an answer."""
        parts = math.ceil(seconds / CONNECTION_SECONDS)
        return self._load(photo, parts, [f"-m{concurrency}", f"-D{1000 * seconds / parts:.0f}ms"])

    def at_rate(self, photo: Path, rate: float, seconds: float) -> Sample:
        """Sends `rate` calls per second, whether or not earlier ones are answered."""
        parts = math.ceil(seconds / CONNECTION_SECONDS)
        return self._load(photo, parts, ["-m10000", f"--rps={rate:.3f}", f"-n{rate * seconds / parts:.0f}"])

    def _load(self, photo: Path, parts: int, options: list[str]) -> Sample:
        """Runs h2load and counts the fastest calls as the refused ones, because h2load can't tell these from answers.

        If a refusal was slower than an answer, the percentiles of the answers are too high, never too low.
        """
        before = self._codes()
        with tempfile.TemporaryDirectory() as folder:
            body, log = Path(folder, "body"), Path(folder, "log")
            body.write_bytes(framed(photo.read_bytes()))
            headers = ("-H", "content-type: application/grpc", "-H", "te: trailers")
            url = f"http://127.0.0.1:{self.port}{METHOD}"
            command = ["h2load", "-c1", *options, "-d", str(body), *headers, "--log-file", str(log), url]
            calls, span = list[Call](), 0.0
            for _ in range(parts):
                log.unlink(missing_ok=True)  # h2load appends
                subprocess.run(command, check=True, timeout=120, capture_output=True)
                found = [_call(line) for line in log.read_text().splitlines()]
                span += span_of(found)
                calls += found
        codes = self._codes() - before
        failed = sum(count for code, count in codes.items() if code not in (OK, REFUSED, CANCELLED))
        failed += sum(status != 200 for _, status, _ in calls)
        times = sorted(micros / 1e6 for _, status, micros in calls if status == 200)
        return {**latencies(times[codes[REFUSED] :], span, failed), "refused": codes[REFUSED]}

    def _codes(self) -> Counter[str]:
        """Returns the numbers of finished calls by status. CANCELLED calls were in progress when h2load ended."""
        samples = read_metrics(self.metrics_port, "verger_grpc_calls")
        return Counter({labels["code"]: int(value) for labels, value in samples if labels["method"] == METHOD})


def framed(image: bytes) -> bytes:
    """Returns a request in gRPC's framing: a zero byte (not compressed), the length in 4 bytes, the message."""
    message = classifier_pb2.ClassifyRequest(image=image).SerializeToString()
    return struct.pack(">BI", 0, len(message)) + message


def _call(line: str) -> Call:
    start, status, micros = map(int, line.split())
    return start, status, micros


def span_of(calls: list[Call]) -> float:
    """Returns the seconds from the start of the first call to the end of the last one."""
    if not calls:
        return 0.0
    return (max(start + took for start, _, took in calls) - min(start for start, _, _ in calls)) / 1e6


def read_metrics(port: int, family: str) -> list[tuple[dict[str, str], float]]:
    """Returns the labels and value of each sample of a counter or gauge, or of a histogram's count."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        families = text_string_to_metric_families(response.read().decode())
    names = (family, f"{family}_total", f"{family}_count")
    return [
        (sample.labels, sample.value)
        for found in families
        if found.name == family
        for sample in found.samples
        if sample.name in names
    ]
