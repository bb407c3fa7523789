"""The bare limit: the fastest way from a JPEG to logits in one process, without any network.

python -m benchmarks.systems.bare PHOTO CONCURRENCY SECONDS MODEL prints one line of JSON. Each arrangement of threads
that could win gets its share of the time, and the fastest one counts. Latencies are those of the work alone.
"""

import io
import json
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from benchmarks.load.measure import Sample, latencies

SIZE = 224


def main() -> None:
    """Runs from the command line."""
    photo, concurrency, seconds, model = sys.argv[1:]
    # Keeps freed picture memory: page faults cost more than decoding otherwise.
    Image.core.set_blocks_max(256)  # type: ignore[attr-defined]  # documented, but not exported
    data, cores = Path(photo).read_bytes(), len(os.sched_getaffinity(0))
    arrangements = {(min(int(concurrency), cores), 1), (1, cores)} if concurrency == "1" else {(cores, 1)}
    samples = [run(data, Path(model), *pair, float(seconds) / len(arrangements)) for pair in sorted(arrangements)]
    sys.stdout.write(json.dumps(max(samples, key=lambda sample: sample["photos"] / sample["seconds"])) + "\n")


def run(photo: bytes, model: Path, workers: int, threads: int, seconds: float) -> Sample:
    """Classifies one photo again and again on `workers` threads; each forward pass uses `threads` of its own."""
    session = load(model, threads)
    times: list[float] = []

    def work() -> None:
        while time.perf_counter() < end:
            started = time.perf_counter()
            classify(photo, session)
            times.append(time.perf_counter() - started)

    for _ in range(5):
        classify(photo, session)
    begun, cpu = time.perf_counter(), time.process_time()
    end = begun + seconds
    pool = [threading.Thread(target=work) for _ in range(workers)]
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()
    sample = latencies(times, time.perf_counter() - begun, errors=0)
    return {**sample, "cpu_seconds": time.process_time() - cpu}


def load(model: Path, threads: int) -> onnxruntime.InferenceSession:
    """Loads the graph for calls that use so many cores each."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def classify(photo: bytes, session: onnxruntime.InferenceSession) -> NDArray[np.float32]:
    """Decodes at reduced scale where that leaves twice the size, resizes, runs."""
    image = Image.open(io.BytesIO(photo), formats=["JPEG"])
    image.draft("RGB", (2 * SIZE, 2 * SIZE))
    small = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    pixels = np.asarray(small, np.float32)[None] * np.float32(1 / 127.5) - np.float32(1)
    return np.asarray(session.run(["logits"], {"pixels": pixels})[0], np.float32)


if __name__ == "__main__":
    main()
