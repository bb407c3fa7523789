"""Loads one unary gRPC method with h2load, nghttp2's load generator (https://nghttp2.org/documentation/h2load.1.html).

A unary call is an HTTP/2 POST: five bytes of framing and the message in, the same out. h2load does not read gRPC's
status, which comes after the body: a refusal is a 200 to it. What came of the calls is read from the service's own
counters, before and after.
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
"""Verger asks a connection to go after 9 to 11 s; h2load, whose one connection that is, would stop sending."""
Call = tuple[int, int, int]
"""Start, status, duration; times in microseconds."""
OK, REFUSED, CANCELLED = "OK", "RESOURCE_EXHAUSTED", "CANCELLED"


@dataclass(frozen=True)
class Classify:
    """ClassifierService.Classify of a preprocess service on this machine, by its two ports."""

    port: int
    metrics_port: int

    def callers(self, photo: Path, concurrency: int, seconds: float) -> Sample:
        """So many callers on one connection, each sending as soon as its last answer came."""
        parts = math.ceil(seconds / CONNECTION_SECONDS)
        return self._load(photo, parts, [f"-m{concurrency}", f"-D{1000 * seconds / parts:.0f}ms"])

    def at_rate(self, photo: Path, rate: float, seconds: float) -> Sample:
        """`rate` calls a second, whatever has come back."""
        parts = math.ceil(seconds / CONNECTION_SECONDS)
        return self._load(photo, parts, ["-m10000", f"--rps={rate:.3f}", f"-n{rate * seconds / parts:.0f}"])

    def _load(self, photo: Path, parts: int, options: list[str]) -> Sample:
        """Refusals are quicker than answers, and h2load can't tell them apart: the quickest calls count as the refused
        ones. Were one of them slower than an answer, the answers' percentiles would come out too high, never too low.
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
        """Finished calls so far, by status. CANCELLED are those under way when h2load's time is over."""
        samples = read_metrics(self.metrics_port, "verger_grpc_calls")
        return Counter({labels["code"]: int(value) for labels, value in samples if labels["method"] == METHOD})


def framed(image: bytes) -> bytes:
    """A request as gRPC puts it on the wire: a byte that says "not compressed", the length, the message."""
    message = classifier_pb2.ClassifyRequest(image=image).SerializeToString()
    return struct.pack(">BI", 0, len(message)) + message


def _call(line: str) -> Call:
    start, status, micros = map(int, line.split())
    return start, status, micros


def span_of(calls: list[Call]) -> float:
    """Seconds from the first call's start to the last one's end."""
    if not calls:
        return 0.0
    return (max(start + took for start, _, took in calls) - min(start for start, _, _ in calls)) / 1e6


def read_metrics(port: int, family: str) -> list[tuple[dict[str, str], float]]:
    """Labels and value of each sample of a counter or gauge, or of a histogram's count."""
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
