"""web and preprocess as processes of their own that ask for keys: what they leave behind holds none."""

import json
import re
import signal
from asyncio.subprocess import Process
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import httpx
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from engine.contract import CONTRACT_FILE, read_contract
from services.access.database import open_database
from services.access.keys import Scope, new_secret
from services.access.store import KeyStore
from tests.support.page.forms import token_in
from tests.support.pictures.photos import encoded, scene
from tests.support.servers.mlflow_server import free_port
from tests.support.servers.scripted_inference import ScriptedInference, scripted_server
from tests.support.servers.services import service
from tests.support.statuses import code_and_reason
from tests.support.tiny_model import tiny_version
from tests.support.waiting import eventually

PHOTO = encoded(scene())


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what an OpenTelemetry collector would receive."""

    def __init__(self) -> None:
        self.received = b""

    async def Export(
        self, request: trace_service_pb2.ExportTraceServiceRequest, context: object
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        self.received += request.SerializeToString()
        return trace_service_pb2.ExportTraceServiceResponse()


async def over_grpc(port: int, key: str) -> str:
    """The reason for which preprocess refuses a photo; an empty text if it answers."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
        metadata = [("authorization", f"Bearer {key}")]
        request = classifier_pb2.ClassifyRequest(image=PHOTO)
        try:
            await stub.Classify(request, metadata=metadata, timeout=60, wait_for_ready=True)
        except grpc.aio.AioRpcError as refused:
            return code_and_reason(refused)[1]
    return ""


async def over_rest(client: httpx.AsyncClient, key: str) -> str:
    headers = {"Authorization": f"Bearer {key}"}
    answer = await client.get("/api/v1/model", headers=headers)
    return str(answer.json().get("reason", ""))


async def on_the_page(client: httpx.AsyncClient, key: str) -> list[str]:
    """Signs in, sends no photo with the session and with a forged one, and signs out. Returns all tokens."""
    form = {"csrf": token_in(await client.get("/sign-in")), "key": key}
    assert (await client.post("/sign-in", data=form | {"key": f"once_{'x' * 43}"})).status_code == 401
    tokens = [form["csrf"], client.cookies["verger-sign-in"], "forged-session"]
    refused = await client.post("/sign-in", data=form | {"key": "verger_mine"})
    assert refused.status_code == 401
    assert (await client.post("/sign-in", data=form)).status_code == 303
    session = {"csrf": token_in(await client.get("/"))}
    tokens += [session["csrf"], client.cookies["verger-session"]]
    forged = {"Cookie": "verger-session=forged-session"}
    for headers, status in (({}, 415), (forged, 401)):
        answer = await client.post("/predict", data=session, files={"file": b"no photo"}, headers=headers)
        assert answer.status_code == status
    assert (await client.post("/sign-out", data=session)).status_code == 303
    return tokens


def arguments_of(process: Process) -> str:
    return Path(f"/proc/{process.pid}/cmdline").read_text()


async def logs_of(processes: Sequence[Process]) -> list[str]:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    return [(await process.communicate())[1].decode() for process in processes]


async def test_keys_and_tokens_are_in_no_log_no_trace_no_metric_and_no_list_of_processes(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'access.db'}"
    store, collector = KeyStore(open_database(address)), Collector()
    good, other = (store.make(scope, "anna", frozenset({scope}), None) for scope in (Scope.CLASSIFY, Scope.TRAIN))
    keys = [good.text, other.text, new_secret().text, "verger_mine"]
    reasons = ["", "SCOPE_MISSING", "KEY_UNKNOWN", "KEY_UNKNOWN"]
    ports = {name: free_port() for name in ("web", "preprocess", "inference", "metrics")}
    async with AsyncExitStack() as stack:
        collecting = grpc.aio.server()
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, collecting)
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collecting.add_insecure_port('127.0.0.1:0')}",
            "VERGER_ACCESS": "keys",
            "VERGER_ACCESS_DATABASE_URL": address,
            "VERGER_INFERENCE_TARGET": f"127.0.0.1:{ports['inference']}",
            "VERGER_LOG_LEVEL": "debug",
            "VERGER_PREPROCESS_METRICS_PORT": str(ports["metrics"]),
            "VERGER_PREPROCESS_PORT": str(ports["preprocess"]),
            "VERGER_PREPROCESS_TARGET": f"127.0.0.1:{ports['preprocess']}",
            "VERGER_WEB_PORT": str(ports["web"]),
        }
        await collecting.start()
        stack.push_async_callback(collecting.stop, 0)
        inference = ScriptedInference(read_contract(tiny_version(tmp_path / "version") / CONTRACT_FILE))
        await stack.enter_async_context(scripted_server(inference, ports["inference"]))
        names = ("preprocess", "web")
        processes = [await stack.enter_async_context(service(name, tmp_path, settings)) for name in names]
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['web']}", timeout=60)
        )

        async def is_answered() -> bool:
            try:
                return await over_rest(client, good.text) == ""
            except httpx.TransportError:
                return False

        await eventually(is_answered, "the start", seconds=60)
        assert [await over_rest(client, key) for key in keys] == reasons
        assert [await over_grpc(ports["preprocess"], key) for key in keys] == reasons
        keys += [f"once_{'x' * 43}", *await on_the_page(client, good.text)]
        metrics = [f"http://127.0.0.1:{ports[name]}/metrics" for name in ("web", "metrics")]
        written = [(await client.get(address)).text for address in metrics]
        written += map(arguments_of, processes)
        logs = await logs_of(processes)
    store.close()
    entries = [json.loads(line) for log in logs for line in log.splitlines()]
    assert {good.id, other.id} <= {entry.get("key") for entry in entries}
    written += [*logs, collector.received.decode("latin-1")]
    assert all("Classify" in text for text in (logs[0], written[-1]))
    assert not [key for key in keys if key in "\n".join(written)]
    assert not re.search(r"verger_[0-9a-f]{12}_", "\n".join(written))  # the key that web has made for itself
