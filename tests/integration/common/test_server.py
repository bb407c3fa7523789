"""What every gRPC server of Verger does, tested on a server with a scripted servicer."""

import asyncio
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

import grpc
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from engine.errors import VergerError
from services.common.errors import InferenceUnavailable, ModelNotLoaded, Overloaded
from services.common.process.health import problem_with
from services.common.process.settings import ServiceSettings
from services.common.rpc.channel import open_channel
from services.common.rpc.server import RunningServer, running_server
from tests.support.background import in_background
from tests.support.repository import ROOT
from tests.support.servers.mlflow_server import free_port
from tests.support.waiting import eventually, wait_until

SERVICE = "verger.v1.ClassifierService"
Request = classifier_pb2.ClassifyRequest


class Scripted(classifier_pb2_grpc.ClassifierServiceServicer):
    """Does what the request id says."""

    def __init__(self, error: VergerError | None = None) -> None:
        """Answers every call with the error, if there is one."""
        self.calls, self.error = 0, error
        self.cancelled = threading.Event()

    async def Classify(self, request: Request, context: object) -> classifier_pb2.ClassifyResponse:
        self.calls += 1
        if self.error is not None:
            raise self.error
        try:
            match request.request_id.split():
                case ["sleep", seconds]:
                    await asyncio.sleep(float(seconds))
                case ["full"]:
                    raise Overloaded("Full.")
                case ["break"]:
                    raise KeyError("secret")
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return classifier_pb2.ClassifyResponse(request_id=request.request_id)


def scripted_server(
    servicer: Scripted, port: int = 0, metrics_port: int = 0, reason: str = "", **settings: object
) -> AbstractAsyncContextManager[RunningServer]:
    @asynccontextmanager
    async def ready() -> AsyncIterator[RunningServer]:
        async with running_server(
            ServiceSettings(**settings),
            port,
            metrics_port,
            [SERVICE],
            lambda server: classifier_pb2_grpc.add_ClassifierServiceServicer_to_server(servicer, server),
        ) as server:
            await server.set_ready(not reason, reason)
            yield server

    return ready()


def classify(target: str, request_id: str, timeout: float | None = 10) -> classifier_pb2.ClassifyResponse:
    with grpc.insecure_channel(target) as channel:
        return classifier_pb2_grpc.ClassifierServiceStub(channel).Classify(
            Request(request_id=request_id), timeout=timeout
        )


def test_an_unexpected_error_is_logged_and_not_shown() -> None:
    with structlog.testing.capture_logs() as lines, in_background(scripted_server(Scripted())) as server:
        with pytest.raises(grpc.RpcError) as failure:
            classify(f"127.0.0.1:{server.port}", "break")
        assert failure.value.code() == grpc.StatusCode.INTERNAL
        assert "secret" not in failure.value.details()
        assert classify(f"127.0.0.1:{server.port}", "fine").request_id == "fine"
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["call failed"]


def test_a_call_without_a_deadline_gets_the_servers_own() -> None:
    servicer = Scripted()
    with (
        in_background(scripted_server(servicer, request_timeout_seconds=0.2)) as server,
        pytest.raises(grpc.RpcError) as failure,
    ):
        classify(f"127.0.0.1:{server.port}", "sleep 30", timeout=None)
    assert failure.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert servicer.cancelled.is_set()


def test_work_is_cancelled_when_the_caller_gives_up() -> None:
    servicer = Scripted()
    with in_background(scripted_server(servicer)) as server:
        with pytest.raises(grpc.RpcError):
            classify(f"127.0.0.1:{server.port}", "sleep 30", timeout=0.2)
        assert servicer.cancelled.wait(5)


def test_a_drain_waits_for_calls_in_flight() -> None:
    servicer = Scripted()
    with in_background(scripted_server(servicer, drain_seconds=10)) as server:
        target = f"127.0.0.1:{server.port}"
        answers: list[str] = []
        caller = threading.Thread(target=lambda: answers.append(classify(target, "sleep 0.5").request_id))
        caller.start()
        wait_until(lambda: servicer.calls == 1)
    caller.join()
    assert answers == ["sleep 0.5"]
    with pytest.raises(grpc.RpcError):
        classify(target, "late", timeout=1)


def test_a_taken_port_is_an_error() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(OSError, match=str(port)), in_background(scripted_server(Scripted(), port)):
            pass


def test_metrics_count_calls_by_their_outcome() -> None:
    metrics_port = free_port()
    with in_background(scripted_server(Scripted(), metrics_port=metrics_port)) as server:
        with pytest.raises(grpc.RpcError):
            classify(f"127.0.0.1:{server.port}", "full")
        line = b'verger_grpc_calls_total{code="RESOURCE_EXHAUSTED",method="/verger.v1.ClassifierService/Classify"}'
        metrics = f"http://127.0.0.1:{metrics_port}/metrics"
        # A call is counted after its answer was sent.
        wait_until(lambda: line in urllib.request.urlopen(metrics, timeout=5).read(), what="the count")


async def test_calls_are_shared_between_all_addresses_and_do_not_fail_when_one_stops() -> None:
    servicers = Scripted(), Scripted()
    with in_background(scripted_server(servicers[0])) as first:
        with in_background(scripted_server(servicers[1], drain_seconds=0)) as second:
            target = f"ipv4:127.0.0.1:{first.port},127.0.0.1:{second.port}"
            async with open_channel(target, ServiceSettings()) as channel:
                stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
                wait_until(lambda: problem_with(f"grpc://127.0.0.1:{second.port}/") is None)

                async def both_are_called() -> bool:
                    await stub.Classify(Request(), timeout=5)
                    return all(servicer.calls for servicer in servicers)

                await eventually(both_are_called, "a call to each")
                before = [servicer.calls for servicer in servicers]
                for _ in range(100):
                    await stub.Classify(Request(), timeout=5)
                assert [servicer.calls for servicer in servicers] == [calls + 50 for calls in before]
        async with open_channel(target, ServiceSettings()) as channel:
            stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
            for _ in range(20):
                await stub.Classify(Request(), timeout=5)


async def calls_of_two_replicas(error: VergerError) -> tuple[int, int]:
    """Makes 20 calls to two replicas, one of which fails, and returns how many failed and how many reached it."""
    servicers = Scripted(error), Scripted()
    failures = 0
    with in_background(scripted_server(servicers[0])) as first, in_background(scripted_server(servicers[1])) as second:
        target = f"ipv4:127.0.0.1:{first.port},127.0.0.1:{second.port}"
        async with open_channel(target, ServiceSettings()) as channel:
            stub = classifier_pb2_grpc.ClassifierServiceStub(channel)

            async def both_are_connected() -> bool:
                with suppress(grpc.aio.AioRpcError):
                    await stub.Classify(Request(), timeout=5)
                return all(servicer.calls for servicer in servicers)

            await eventually(both_are_connected, "a call to each replica")
            servicers[0].calls = 0
            for _ in range(20):
                try:
                    await stub.Classify(Request(), timeout=5)
                except grpc.aio.AioRpcError:
                    failures += 1
    return failures, servicers[0].calls


async def test_a_call_to_a_replica_without_a_model_is_sent_to_another_replica() -> None:
    failed, calls = await calls_of_two_replicas(ModelNotLoaded("No version is live."))
    assert failed == 0
    assert calls > 0


async def test_an_error_that_no_other_replica_can_avoid_is_not_retried() -> None:
    failed, calls = await calls_of_two_replicas(InferenceUnavailable("Inference does not answer."))
    assert failed == calls == 10


def test_the_health_command_reports_servers_that_are_not_ready(tmp_path: Path) -> None:
    with in_background(scripted_server(Scripted())) as server:
        target = f"grpc://127.0.0.1:{server.port}"
        good = run_health(f"{target}/{SERVICE}", target)
        assert good.returncode == 0, good.stderr
        bad = run_health(f"{target}/{SERVICE}", f"{target}/no.such.Service", f"http://127.0.0.1:{free_port()}/")
        assert bad.returncode == 1
        assert len(bad.stderr.splitlines()) == 2


def test_the_health_command_is_content_with_a_server_that_lacks_only_a_version() -> None:
    with in_background(scripted_server(Scripted(), reason="NO_VERSION_YET")) as server:
        address = f"grpc://127.0.0.1:{server.port}/{SERVICE}"
        unready = run_health(address)
        assert (unready.returncode, unready.stderr) == (1, f"{address} is not ready: NO_VERSION_YET\n")
        started = run_health("--started", "--verbose", address)
        assert (started.returncode, started.stdout) == (0, f"{address} has started\nNO_VERSION_YET\n")


def test_the_health_command_is_not_content_with_a_server_that_lacks_something_else() -> None:
    with in_background(scripted_server(Scripted(), reason="MODEL_NOT_LOADED")) as server:
        unready = run_health("--started", f"grpc://127.0.0.1:{server.port}/{SERVICE}")
        assert unready.returncode == 1
        assert unready.stderr.endswith("is not ready: MODEL_NOT_LOADED\n")


def run_health(*addresses: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.common.process.health", *addresses]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_health_answers_while_the_event_loop_serves_calls() -> None:
    with in_background(scripted_server(Scripted(), drain_seconds=0)) as server:
        target = f"127.0.0.1:{server.port}"
        with grpc.insecure_channel(target) as channel:
            stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
            slow = [stub.Classify.future(Request(request_id="sleep 30"), timeout=30) for _ in range(200)]
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            for call in slow:
                call.cancel()
