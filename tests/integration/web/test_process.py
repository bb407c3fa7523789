"""python -m services.web, as launch.sh and the container run it."""

import asyncio
import json
import os
import signal
import socket
import ssl
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from services.web.server.spare import wait_for_turn
from tests.support.page.scripted_classifier import ScriptedClassifier
from tests.support.pictures.photos import encoded, scene
from tests.support.servers.certificates import Certificates
from tests.support.servers.mlflow_server import free_port
from tests.support.waiting import eventually


@asynccontextmanager
async def web_process(folder: Path, preprocess_port: int, port: int, **more: str) -> AsyncIterator[Process]:
    own = more | {"VERGER_WEB_PORT": str(port), "VERGER_PREPROCESS_TARGET": f"127.0.0.1:{preprocess_port}"}
    environment = os.environ | own | {"PYTHONPATH": os.getcwd()}  # the working directory has no .env file
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.web", cwd=folder, env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def log_of(process: Process) -> list[dict[str, object]]:
    _, stderr = await process.communicate()
    return [json.loads(line) for line in stderr.decode().splitlines()]


async def refuses(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # the connection arrived while the port was being closed
        return False
    writer.close()
    await writer.wait_closed()
    return False


async def listens(port: int) -> bool:
    return not await refuses(port)


async def test_requests_in_flight_are_answered_before_the_process_ends(
    classifier: ScriptedClassifier, preprocess_port: int, tmp_path: Path
) -> None:
    port = free_port()
    async with (
        web_process(tmp_path, preprocess_port, port) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        await eventually(lambda: listens(port), "the start", seconds=60)
        classifier.gate.clear()
        request = asyncio.create_task(
            client.post("/api/v1/classify", content=encoded(scene()), headers={"X-Request-ID": "last"})
        )
        await classifier.arrivals.acquire()
        process.send_signal(signal.SIGTERM)
        await eventually(lambda: refuses(port), "the end of listening")
        classifier.gate.set()
        assert (await request).status_code == 200
        lines = await log_of(process)
        assert process.returncode == 0
        (line,) = [line for line in lines if line["event"] == "request" and line.get("request_id") == "last"]
        assert (line["service"], line["status"], line["path"]) == ("web", 200, "/api/v1/classify")


async def test_the_page_is_https_where_it_has_a_certificate(
    classifier: ScriptedClassifier, preprocess_port: int, tmp_path: Path
) -> None:
    port, certificates = free_port(), Certificates(tmp_path)
    certificates.issue("page", "fruits.example", "localhost")
    certificates.issue("grpc", "localhost", "127.0.0.1")
    tls = {"VERGER_TLS": "on", "VERGER_TLS_FOLDER": str(tmp_path)}
    trust = ssl.create_default_context(cafile=certificates.ca)
    async with (
        web_process(tmp_path, preprocess_port, port, **tls),
        httpx.AsyncClient(base_url=f"https://localhost:{port}", timeout=30, verify=trust) as client,
    ):
        await eventually(lambda: listens(port), "the start", seconds=60)
        answer = await client.get("/")
        assert answer.status_code == 200
        assert "strict-transport-security" not in answer.headers  # it would take other ports of localhost along
        public = await client.get("/healthz", headers={"host": "fruits.example"})
        assert public.headers["strict-transport-security"] == "max-age=31536000"
        with pytest.raises(httpx.TransportError):
            await client.get(f"http://localhost:{port}/healthz")
        for environment, ready in ((os.environ | tls, True), (os.environ, False)):
            command = (sys.executable, "-m", "services.common.process.health", f"https://127.0.0.1:{port}/healthz")
            checked = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)
            _, problem = await checked.communicate()
            assert (checked.returncode == 0) is ready, problem


async def test_the_page_does_not_start_with_half_of_what_https_needs(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    certificates.issue("grpc", "localhost")
    certificates.issue("page", "localhost")[1].unlink()
    tls = {"VERGER_TLS": "on", "VERGER_TLS_FOLDER": str(tmp_path)}
    async with web_process(tmp_path, free_port(), free_port(), **tls) as process:
        (line,) = await log_of(process)
    assert process.returncode == 2
    assert "page.key are not a certificate in PEM and its key" in str(line["message"])


LOCKS = Path("/proc/locks")


async def waits_for_a_lock(process: Process) -> bool:
    waiting = [line.split()[2:] for line in LOCKS.read_text().splitlines() if "->" in line]  # noqa: ASYNC240
    return ["FLOCK", str(process.pid)] in [[kind, pid] for kind, _, _, pid, *_ in waiting]


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: /proc/locks")
async def test_a_spare_process_serves_as_soon_as_the_serving_one_is_killed(
    classifier: ScriptedClassifier, preprocess_port: int, tmp_path: Path
) -> None:
    port, lock = free_port(), {"VERGER_WEB_LOCK_FILE": str(tmp_path / "web.lock")}
    async with (
        web_process(tmp_path, preprocess_port, port, **lock) as first,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        await eventually(lambda: listens(port), "the start", seconds=60)
        async with web_process(tmp_path, preprocess_port, port, **lock) as spare:
            assert spare.stderr is not None
            assert json.loads(await spare.stderr.readline())["event"].startswith("ready to replace")
            await eventually(lambda: waits_for_a_lock(spare), "the wait of the spare")
            first.kill()
            await first.wait()
            await eventually(lambda: listens(port), "the spare")
            assert (await client.post("/api/v1/classify", content=encoded(scene()))).status_code == 200
            spare.send_signal(signal.SIGTERM)
            await log_of(spare)
            assert spare.returncode == 0


async def test_a_spare_process_that_waits_can_be_stopped(preprocess_port: int, tmp_path: Path) -> None:
    lock = tmp_path / "web.lock"
    with wait_for_turn(lock):
        async with web_process(tmp_path, preprocess_port, free_port(), VERGER_WEB_LOCK_FILE=str(lock)) as spare:
            assert spare.stderr is not None
            await spare.stderr.readline()
            spare.send_signal(signal.SIGTERM)
            await log_of(spare)
            assert spare.returncode == 0


async def test_a_port_in_use_is_named_in_the_log(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with web_process(tmp_path, free_port(), port) as process:
            lines = await log_of(process)
            assert process.returncode
            assert any(str(port) in str(line["event"]) and "already in use" in str(line["event"]) for line in lines)


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Receives spans as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    async def Export(
        self, request: trace_service_pb2.ExportTraceServiceRequest, context: object
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        self.spans += [s for resource in request.resource_spans for scope in resource.scope_spans for s in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()


async def test_a_trace_continues_from_http_to_grpc(
    classifier: ScriptedClassifier, preprocess_port: int, tmp_path: Path
) -> None:
    trace_id, collector, port = "0af7651916cd43dd8448eb211c80319c", Collector(), free_port()
    server = grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with (
        web_process(tmp_path, preprocess_port, port, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        await eventually(lambda: listens(port), "the start", seconds=60)
        await client.get("/healthz")
        headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
        assert (await client.post("/api/v1/classify", content=encoded(scene()), headers=headers)).status_code == 200
        process.send_signal(signal.SIGTERM)  # the process exports its remaining spans when it ends
        await log_of(process)
    await server.stop(0)
    assert str(classifier.metadata[0]["traceparent"]).startswith(f"00-{trace_id}-")
    assert {span.trace_id.hex() for span in collector.spans} == {trace_id}
    assert sorted(span.name for span in collector.spans) == [
        "/verger.v1.ClassifierService/Classify",
        "/verger.v1.ClassifierService/DescribeClassifier",  # for the names in the answer
        "POST /api/v1/classify",
    ]
