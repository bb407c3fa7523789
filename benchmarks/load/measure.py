"""Runs one load on one server and measures the processor time and memory of all its processes."""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import psutil


class Sample(TypedDict, total=False):
    """Result of one load: answered photos, duration, errors, latencies, and processor time of the server."""

    photos: int
    seconds: float
    errors: int
    refused: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    cpu_seconds: float


def latencies(times: Sequence[float], seconds: float, errors: int) -> Sample:
    """Summarises calls that took `times` seconds each, of a load that took `seconds`."""
    ordered = sorted(times) or [0.0]

    def percentile(share: float) -> float:
        return 1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return Sample(
        photos=len(times),
        seconds=seconds,
        errors=errors,
        p50_ms=percentile(0.5),
        p90_ms=percentile(0.9),
        p99_ms=percentile(0.99),
    )


def wrk(url: str, body: Path, content_type: str, concurrency: int, seconds: float) -> Sample:
    """Posts one body over `concurrency` connections. Each sends again as soon as it gets an answer."""
    command = [
        "wrk",
        "-t1",
        f"-c{concurrency}",
        f"-d{math.ceil(seconds)}s",  # wrk accepts whole seconds only
        "--timeout",
        "60s",
        "-s",
        "benchmarks/load/post.lua",
        url,
    ]
    settings = {"BENCHMARK_BODY": str(body), "BENCHMARK_CONTENT_TYPE": content_type}
    return _last_line(command, settings)


def stream(target: str, photo: Path, in_flight: int, seconds: float) -> Sample:
    """Sends photos over one gRPC stream from a separate process; see grpc_stream."""
    options = [target, str(photo), str(in_flight), f"{seconds:g}"]
    return _last_line([sys.executable, "-m", "benchmarks.load.grpc_stream", *options], {})


def bare(photo: Path, concurrency: int, seconds: float, version: Path) -> Sample:
    """Measures the bare limit with the model version in a directory; see benchmarks.systems.bare."""
    options = [str(photo), str(concurrency), f"{seconds:g}", str(version)]
    return _last_line([sys.executable, "-m", "benchmarks.systems.bare", *options], {})


def _last_line(command: Sequence[str], settings: dict[str, str]) -> Sample:
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, timeout=300, check=True)
    sample: Sample = json.loads(done.stdout.strip().splitlines()[-1])
    return sample


def tree(root: int) -> list[psutil.Process]:
    """Returns a process and all its descendants."""
    process = psutil.Process(root)
    return [process, *process.children(recursive=True)]


def cpu_seconds(root: int) -> float:
    """Returns the processor time in seconds that a running process tree has used so far."""
    total = 0.0
    for process in tree(root):
        try:
            used = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += used.user + used.system
    return total


def memory(root: int) -> dict[str, float]:
    """Returns the memory of a process tree. PSS divides shared pages among processes; RSS counts them in each."""
    pss = rss = 0
    for process in tree(root):
        try:
            used = process.memory_full_info()
        except psutil.NoSuchProcess:
            continue
        pss, rss = pss + used.pss, rss + used.rss
    return {"pss_mib": round(pss / 2**20), "rss_mib": round(rss / 2**20)}


def settle(root: int, seconds: float = 15) -> None:
    """Waits until a process tree is idle, because servers continue to work on unanswered requests after a load."""
    until = time.monotonic() + seconds
    before = cpu_seconds(root)
    while time.monotonic() < until:
        time.sleep(0.5)
        now = cpu_seconds(root)
        if now - before < 0.1:
            return
        before = now
