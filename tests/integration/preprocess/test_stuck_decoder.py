"""A thread that decodes without an end: health says so, other servers get the photos, and the process still ends."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from verger.v1 import classifier_pb2, classifier_pb2_grpc

from engine.contract import CONTRACT_FILE, read_contract
from services.preprocess import decoder as decoders
from services.preprocess import server as servers
from services.preprocess.server import SERVICE_NAME
from tests.support.background import in_background
from tests.support.pictures.photos import encoded, plain
from tests.support.repository import ROOT
from tests.support.servers.mlflow_server import free_port
from tests.support.servers.scripted_inference import ScriptedInference, preprocess_server_for, scripted_server
from tests.support.statuses import code_and_reason
from tests.support.tiny_model import tiny_version
from tests.support.waiting import wait_until

PHOTO = classifier_pb2.ClassifyRequest(image=encoded(plain()))
ENDLESS = classifier_pb2.ClassifyRequest(image=encoded(plain(size=(99, 99))))


@pytest.fixture
def inference_port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    contract = read_contract(tiny_version(tmp_path) / CONTRACT_FILE)
    with in_background(scripted_server(ScriptedInference(contract), port)):
        yield port


def test_health_fails_while_nothing_is_decoded_and_recovers_by_itself(
    inference_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end, resized = threading.Event(), decoders.resized

    def resized_in_the_end(photo: Any, spec: Any) -> Any:
        if photo.image.size == (99, 99):
            may_end.wait(120)
        return resized(photo, spec)

    monkeypatch.setattr(decoders, "resized", resized_in_the_end)
    monkeypatch.setattr(decoders, "MAX_LIGHT_SECONDS", 0.2)
    monkeypatch.setattr(servers, "READINESS_SECONDS", 0.01)
    with (
        in_background(preprocess_server_for(inference_port, preprocess_workers=2)) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        stub, health = classifier_pb2_grpc.ClassifierServiceStub(channel), health_pb2_grpc.HealthStub(channel)

        def is_ready() -> bool:
            answer = health.Check(health_pb2.HealthCheckRequest(service=SERVICE_NAME), timeout=10)
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

        wait_until(is_ready, what="readiness")
        endless = [stub.Classify.future(ENDLESS, timeout=60)]
        assert stub.Classify(PHOTO, timeout=30).HasField("classification")  # there is another thread
        assert is_ready()
        endless.append(stub.Classify.future(ENDLESS, timeout=60))
        wait_until(lambda: not is_ready(), what="a failing health check")
        for call, request in (
            (stub.DescribeClassifier, classifier_pb2.DescribeClassifierRequest()),
            (stub.Classify, PHOTO),
        ):
            with pytest.raises(grpc.RpcError) as failure:
                call(request, timeout=30)
            assert code_and_reason(failure.value) == (grpc.StatusCode.UNAVAILABLE, "DECODING_STUCK")
        may_end.set()
        wait_until(is_ready, what="recovery")
        assert all(call.result().HasField("classification") for call in endless)
        assert stub.Classify(PHOTO, timeout=30).HasField("classification")


STUCK_SERVICE = """
import asyncio, time
from services.preprocess import decoder
from services.common.process.start import start_process
from services.preprocess.__main__ import main
from services.preprocess.config import PreprocessSettings
decoder.resized = lambda *_: time.sleep(3600)
asyncio.run(main(start_process("preprocess", PreprocessSettings)))
"""


def test_a_stuck_thread_does_not_keep_the_process_from_ending(inference_port: int) -> None:
    port = free_port()
    settings = {
        "VERGER_PREPROCESS_PORT": str(port),
        "VERGER_PREPROCESS_METRICS_PORT": "0",
        "VERGER_INFERENCE_TARGET": f"127.0.0.1:{inference_port}",
        "VERGER_DRAIN_SECONDS": "1",
    }
    command = [sys.executable, "-c", STUCK_SERVICE]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stderr=subprocess.PIPE, text=True) as service:
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
                stub.DescribeClassifier(classifier_pb2.DescribeClassifierRequest(), timeout=60, wait_for_ready=True)
                with pytest.raises(grpc.RpcError) as failure:
                    stub.Classify(PHOTO, timeout=2)
                assert failure.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            service.send_signal(signal.SIGTERM)
            _, log = service.communicate(timeout=60)
        finally:
            service.kill()
    assert service.returncode == 0, log
    assert "Traceback" not in log
