"""The contenders: how each is started and stopped, and by which doors (interfaces) it takes photos."""

import base64
import json
import os
import signal
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from benchmarks.load import measure
from benchmarks.load.h2load import Classify
from benchmarks.load.measure import Sample

HOME = Path(os.environ.get("BENCHMARK_HOME", ".verger/benchmarks")).absolute()
MODEL = Path("models/fruit-classifier").absolute()
PORT = 18000
SERVICES = ("WEB", "PREPROCESS", "INFERENCE", "MLFLOW")
PROGRAMS = (*SERVICES, "PREPROCESS_METRICS", "INFERENCE_METRICS", "COLLECTION", "COLLECTION_METRICS")
PORTS = {name: PORT + number for number, name in enumerate(PROGRAMS)}
"""Ports of Verger. Every other contender uses at most the first three."""
TARGET = f"127.0.0.1:{PORTS['PREPROCESS']}"
CLASSIFY = Classify(PORTS["PREPROCESS"], PORTS["PREPROCESS_METRICS"])
MAX_START_SECONDS = 240

Encode = Callable[[bytes], tuple[bytes, str]]
"""Takes the bytes of a photo; returns the body and content type of a request."""
Load = Callable[[Path, int, float], Sample]
"""Takes the path of a photo, the concurrency and the duration in seconds."""


def raw(photo: bytes) -> tuple[bytes, str]:
    """Sends the photo itself as the body."""
    return photo, "image/jpeg"


def form(photo: bytes) -> tuple[bytes, str]:
    """Sends the photo as the field `file` of a form."""
    mark = uuid.UUID(int=7).hex
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="p.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    )
    return head.encode() + photo + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"


def dataframe(photo: bytes) -> tuple[bytes, str]:
    """Sends the photo in MLflow's JSON for data frames."""
    rows = {"dataframe_split": {"columns": ["photo"], "data": [[base64.b64encode(photo).decode()]]}}
    return json.dumps(rows).encode(), "application/json"


def v2(photo: bytes) -> tuple[bytes, str]:
    """Sends the photo in the JSON of the Open Inference Protocol (V2)."""
    data = [base64.b64encode(photo).decode()]
    tensor = {
        "name": "photo",
        "shape": [1],
        "datatype": "BYTES",
        "parameters": {"content_type": "base64"},
        "data": data,
    }
    return json.dumps({"inputs": [tensor]}).encode(), "application/json"


@dataclass(frozen=True)
class Server:
    """A contender. `command` runs in the virtual environment named `environment`; {port} is replaced."""

    name: str
    environment: str
    command: Sequence[str]
    path: str
    encode: Encode
    runtime: str = "onnx"
    settings: Mapping[str, str] = field(default_factory=dict)

    def url(self) -> str:
        """Returns the URL to which photos are posted."""
        return f"http://127.0.0.1:{PORT}{self.path}"

    def doors(self) -> Mapping[str, Load]:
        """Returns the measured interfaces by name."""
        return {self.name: self._post}

    def _post(self, photo: Path, concurrency: int, seconds: float) -> Sample:
        data, content_type = self.encode(photo.read_bytes())
        body = HOME / "body"
        body.write_bytes(data)
        return measure.wrk(self.url(), body, content_type, concurrency, seconds)

    @contextmanager
    def running(self, photo: bytes) -> Iterator[tuple[int, float]]:
        """Starts the server, yields its process id and the seconds until it answered a photo, and stops it."""
        program, *arguments = (part.format(port=PORT) for part in self.command)
        folder = HOME / "env" / self.environment / "bin"
        settings = {"BENCHMARK_MODEL": str(MODEL), "BENCHMARK_RUNTIME": self.runtime, "PYTHONPATH": str(Path.cwd())}
        # run.sh has Verger's settings of glibc's memory allocator. Contenders run with the defaults, as users run them.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
        begun = time.monotonic()
        with (HOME / f"{self.name}.log".replace(" ", "-")).open("w") as log:
            process = subprocess.Popen(
                [folder / program, *arguments],
                env={**environment, **settings, **self.settings, "PATH": f"{folder}:{os.environ['PATH']}"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_for_answer(self, photo, process)
            yield process.pid, time.monotonic() - begun
        finally:
            end(process)


class Verger(Server):
    """The whole system as ./launch.sh runs it, including MLflow."""

    def doors(self) -> Mapping[str, Load]:
        """Returns REST, unary gRPC calls and one gRPC stream."""
        stream = partial(measure.stream, TARGET)
        return {"Verger REST": self._post, "Verger gRPC": CLASSIFY.callers, "Verger gRPC stream": stream}

    @contextmanager
    def running(self, photo: bytes) -> Iterator[tuple[int, float]]:
        """Starts and stops the system with launch.sh."""
        ports = {f"VERGER_{name}_PORT": str(port) for name, port in PORTS.items()}
        settings = os.environ | ports | {"VERGER_HOME": str(HOME)}
        begun = time.monotonic()
        try:
            subprocess.run(["./launch.sh", "--detach"], env=settings, check=True, stdout=subprocess.DEVNULL)
            wait_for_answer(self, photo, None)
            yield int((HOME / "run" / "supervisord.pid").read_text()), time.monotonic() - begun
        finally:
            subprocess.run(["./launch.sh", "--stop"], env=settings, check=True, stdout=subprocess.DEVNULL)


def wait_for_answer(server: Server, photo: bytes, process: subprocess.Popen[bytes] | None) -> None:
    """Returns at the first answered photo. Raises RuntimeError if the server ends or takes too long."""
    body, content_type = server.encode(photo)
    until = time.monotonic() + MAX_START_SECONDS
    while time.monotonic() < until and (process is None or process.poll() is None):
        request = urllib.request.Request(server.url(), body, {"Content-Type": content_type})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                response.read()
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{server.name} does not answer. Its log is in {HOME}.")


def end(process: subprocess.Popen[bytes]) -> None:
    """Stops a process and all its descendants."""
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=5)
    for member in alive:
        member.kill()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


UVICORN = ("uvicorn", "benchmarks.contenders.original.serve:app", "--port", "{port}")
LITSERVE = ("python", "-m", "benchmarks.contenders.litserve.serve", "{port}")
BENTOML = ("bentoml", "serve", "benchmarks.contenders.bentoml.serve:Classifier", "--port", "{port}")
OFFLINE = {"BENTOML_DO_NOT_TRACK": "True", "RAY_USAGE_STATS_ENABLED": "0"}

VERGER = Verger("Verger", "serving", (), "/api/v1/classify", raw)
CONTENDERS = (
    VERGER,
    Server("LitServe", "litserve", LITSERVE, "/predict", form),
    Server("BentoML", "bentoml", BENTOML, "/predict", form, settings=OFFLINE),
    Server(
        "MLServer",
        "mlserver",
        ("mlserver", "start", "benchmarks/contenders/mlserver"),
        "/v2/models/fruit/infer",
        v2,
        settings={
            "MLSERVER_HTTP_PORT": str(PORT),
            "MLSERVER_GRPC_PORT": str(PORT + 1),
            "MLSERVER_METRICS_PORT": str(PORT + 2),
            "MLSERVER_METRICS_DIR": str(HOME / "metrics"),
            "MLSERVER_PARALLEL_WORKERS": str(psutil.cpu_count()),
        },
    ),
    Server(
        "Ray Serve",
        "ray",
        ("python", "-m", "benchmarks.contenders.ray.serve", "{port}"),
        "/predict",
        raw,
        settings=OFFLINE,
    ),
    Server(
        "MLflow", "mlflow", ("python", "benchmarks/contenders/mlflow/serve.py", "{port}"), "/invocations", dataframe
    ),
    Server("original (Keras)", "original", UVICORN, "/predict", form, "keras"),
    Server("LitServe (Keras)", "litserve", LITSERVE, "/predict", form, "keras"),
    Server("BentoML (Keras)", "bentoml", BENTOML, "/predict", form, "keras", OFFLINE),
)
