"""The bare limit: the engine's one call from an encoded photo to its answer, in one process and without a network.

python -m benchmarks.systems.bare PHOTO CONCURRENCY SECONDS VERSION prints one line of JSON. VERSION is the directory
of a model version. Each arrangement of threads that may be the fastest gets an equal share of the time, and the
fastest one counts. Latencies are those of the call alone.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

from benchmarks.load.measure import Sample, latencies
from engine import classifier
from engine.classifier import Classifier

WARM_UP_CALLS = 5


def main() -> None:
    """Runs from the command line."""
    photo, concurrency, seconds, version = sys.argv[1:]
    data, cores = Path(photo).read_bytes(), len(os.sched_getaffinity(0))
    # One thread per core; for a lone caller also one thread whose forward pass uses all cores.
    arrangements = {(1, 1), (1, cores)} if concurrency == "1" else {(cores, 1)}
    samples = []
    for workers, cores_per_call in sorted(arrangements):
        engine = classifier.load(Path(version), cores=cores_per_call)
        samples.append(run(engine, data, workers, float(seconds) / len(arrangements)))
    sys.stdout.write(json.dumps(max(samples, key=lambda sample: sample["photos"] / sample["seconds"])) + "\n")


def run(engine: Classifier, photo: bytes, workers: int, seconds: float) -> Sample:
    """Classifies one photo again and again on `workers` threads for `seconds`."""
    times: list[float] = []

    def work() -> None:
        while time.perf_counter() < end:
            started = time.perf_counter()
            engine.classify(photo)
            times.append(time.perf_counter() - started)

    for _ in range(WARM_UP_CALLS):
        engine.classify(photo)
    begun, cpu = time.perf_counter(), time.process_time()
    end = begun + seconds
    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sample = latencies(times, time.perf_counter() - begun, errors=0)
    return {**sample, "cpu_seconds": time.process_time() - cpu}


if __name__ == "__main__":
    main()
