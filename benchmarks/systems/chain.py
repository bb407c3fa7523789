"""Runs preprocess and one or more replicas of inference with any model, without web and MLflow."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.load.h2load import Classify, read_metrics
from benchmarks.systems.servers import HOME, PORT, PORTS, end

PYTHON = HOME / "env" / "serving" / "bin" / "python"
NO_REGISTRY = "http://127.0.0.1:9"  # nothing listens on the discard port, so inference takes the model from its store


class Chain:
    """Running preprocess and inference services."""

    classify = Classify(PORTS["PREPROCESS"], PORTS["PREPROCESS_METRICS"])

    def __init__(self, replicas: int) -> None:
        self.ports = [PORT + 100 + number for number in range(replicas)]
        self.metrics_ports = [PORT + 200 + number for number in range(replicas)]

    def forward_passes(self) -> list[int]:
        """Returns the number of forward passes that each replica has made so far."""
        return [
            sum(int(value) for _, value in read_metrics(port, "verger_stage_seconds")) for port in self.metrics_ports
        ]


@contextmanager
def chain(store: Path, replicas: int = 1, forward_seconds: float = 0) -> Iterator[Chain]:
    """Starts preprocess and the replicas, waits until they are ready, and stops them at the end of the block.

    Args:
        store: folder of models for inference; see heads.store_of.
        forward_seconds: duration of a forward pass that sleeps instead of computing; 0 runs the real one.
    """
    found = Chain(replicas)
    module = "benchmarks.systems.sleeping_inference" if forward_seconds else "services.inference"
    with ExitStack() as stack:
        for number, (port, metrics_port) in enumerate(zip(found.ports, found.metrics_ports, strict=True)):
            settings = {
                "VERGER_INFERENCE_PORT": str(port),
                "VERGER_INFERENCE_METRICS_PORT": str(metrics_port),
                "VERGER_MODEL_CACHE_DIRECTORY": str(store),
                "VERGER_MLFLOW_URL": NO_REGISTRY,
                "BENCHMARK_FORWARD_SECONDS": str(forward_seconds),
            }
            stack.enter_context(_program(module, settings, f"inference-{number}"))
        settings = {
            "VERGER_PREPROCESS_PORT": str(PORTS["PREPROCESS"]),
            "VERGER_PREPROCESS_METRICS_PORT": str(PORTS["PREPROCESS_METRICS"]),
            "VERGER_INFERENCE_TARGET": "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in found.ports),
        }
        stack.enter_context(_program("services.preprocess", settings, "preprocess"))
        addresses = [f"grpc://127.0.0.1:{port}/verger.v1.InferenceService" for port in found.ports]
        addresses.append(f"grpc://127.0.0.1:{PORTS['PREPROCESS']}/verger.v1.ClassifierService")
        subprocess.run([PYTHON, "-m", "services.common.process.health", "--wait", "120", *addresses], check=True)
        yield found


@contextmanager
def _program(module: str, settings: dict[str, str], name: str) -> Iterator[None]:
    with (HOME / f"chain-{name}.log").open("w") as log:
        process = subprocess.Popen(
            [PYTHON, "-m", module], env=os.environ | settings, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        end(process)
