"""A new champion goes live by itself, a bad version never does, and MLflow may be unavailable."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
import numpy as np
import pytest
from prometheus_client import REGISTRY
from verger.v1 import inference_pb2, inference_pb2_grpc, model_pb2

from engine.contract import CONTRACT_FILE, read_contract, write_contract
from services.inference.config import InferenceSettings
from services.inference.metrics import REGISTRY_UP
from services.inference.server import inference_server
from tests.support.background import in_background
from tests.support.servers.mlflow_server import MlflowServer, free_port, running_mlflow
from tests.support.statuses import code_and_reason, metadata_of
from tests.support.tensors import pixels_tensor
from tests.support.tiny_model import tiny_version
from tests.support.waiting import wait_until

Stub = inference_pb2_grpc.InferenceServiceStub


@contextmanager
def inference(mlflow_url: str, name: str, cache: Path) -> Iterator[Stub]:
    settings = InferenceSettings(
        inference_port=0,
        inference_metrics_port=0,
        mlflow_url=mlflow_url,
        model_name=name,
        model_poll_seconds=0.1,
        model_cache_directory=cache,
        drain_seconds=5,
    )
    with (
        in_background(inference_server(settings)) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield Stub(channel)


def swaps() -> float:
    return REGISTRY.get_sample_value("verger_model_swaps_total") or 0


def live(stub: Stub) -> model_pb2.Model:
    try:
        return stub.GetModel(inference_pb2.GetModelRequest(), timeout=5).model
    except grpc.RpcError:
        return model_pb2.Model()


def wait_for_version(stub: Stub, version: str) -> None:
    wait_until(lambda: live(stub).ref.version == version, what=f"version {version} going live")


def request(model: model_pb2.Model) -> inference_pb2.InferRequest:
    spec = model.contract.preprocessing
    pixels = np.full((spec.height, spec.width, 3), 255, np.uint8)
    return inference_pb2.InferRequest(tensor=pixels_tensor(pixels))


def test_a_new_champion_goes_live_and_no_call_fails(mlflow_server: MlflowServer, tmp_path: Path) -> None:
    mlflow_server.register("swapped", tiny_version(tmp_path / "one", gain=8))
    before = swaps()
    with inference(mlflow_server.url, "swapped", tmp_path / "cache") as stub:
        wait_for_version(stub, "1")
        seen: list[str] = []
        stop = threading.Event()

        def keep_calling() -> None:
            item = request(live(stub))
            while not stop.is_set():
                (response,) = stub.Infer(iter([item]), timeout=10)
                seen.append(response.classification.model.version or str(response.error))

        callers = [threading.Thread(target=keep_calling) for _ in range(4)]
        for caller in callers:
            caller.start()
        try:
            for number in range(2, 6):
                version = mlflow_server.register("swapped", tiny_version(tmp_path / str(number), gain=8 + number))
                wait_for_version(stub, version)
            mlflow_server.set_alias("swapped", "champion", "1")
            wait_for_version(stub, "1")
        finally:
            stop.set()
            for caller in callers:
                caller.join()
        assert set(seen) == {"1", "2", "3", "4", "5"}
        assert swaps() - before == 6


@pytest.mark.parametrize("fault", ["code_version", "digest", "golden"])
def test_a_bad_version_is_refused_and_the_old_one_keeps_serving(
    mlflow_server: MlflowServer, tmp_path: Path, fault: str
) -> None:
    name = f"faulty-{fault}"
    mlflow_server.register(name, tiny_version(tmp_path / "good"))
    with inference(mlflow_server.url, name, tmp_path / "cache") as stub:
        wait_for_version(stub, "1")
        bad = tiny_version(tmp_path / "bad")
        contract = read_contract(bad / CONTRACT_FILE)
        if fault == "code_version":
            contract.preprocessing.code_version = 99
        elif fault == "digest":
            contract.files[0].sha256 = "0" * 64
        else:
            contract.golden_samples[0].logits[0] += 1
        write_contract(contract, bad)
        mlflow_server.register(name, bad)
        wait_until(lambda: live(stub).HasField("refusal"), what="the refusal")
        model = live(stub)
        assert model.ref.version == "1"
        assert model.refusal.ref.version == "2"
        assert model.refusal.reason == ("CONTRACT_UNSUPPORTED" if fault == "code_version" else "MODEL_CORRUPT")
        (response,) = stub.Infer(iter([request(model)]), timeout=5)
        assert response.classification.model.version == "1"
        mlflow_server.set_alias(name, "champion", "1")
        wait_until(lambda: not live(stub).HasField("refusal"), what="the end of the refusal")


def test_a_version_that_is_no_model_of_verger_is_refused(mlflow_server: MlflowServer, tmp_path: Path) -> None:
    """As people make with MLflow's own functions."""
    mlflow_server.register("foreign", tiny_version(tmp_path / "good"))
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "MLmodel").write_text("flavors: {}\n")
    with inference(mlflow_server.url, "foreign", tmp_path / "cache") as stub:
        wait_for_version(stub, "1")
        mlflow_server.register("foreign", tmp_path / "foreign")
        wait_until(lambda: live(stub).HasField("refusal"), what="the refusal")
        refusal = live(stub).refusal
        assert (refusal.ref.version, refusal.reason) == ("2", "VERSION_UNKNOWN")
        assert "contract.json is not in MLflow" in refusal.message
        assert "there is MLmodel" in refusal.message
        assert live(stub).ref.version == "1"


def refusal_of(stub: Stub) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as refusal:
        stub.GetModel(inference_pb2.GetModelRequest(), timeout=5)
    return refusal.value


def test_callers_learn_that_the_registry_has_no_version_until_it_has_one(
    mlflow_server: MlflowServer, tmp_path: Path
) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    with inference(mlflow_server.url, "late", tmp_path / "cache") as stub:
        wait_until(lambda: code_and_reason(refusal_of(stub))[1] == "NO_VERSION_YET", what="the registry's answer")
        error = refusal_of(stub)
        assert error.code() == grpc.StatusCode.UNAVAILABLE
        assert error.details() == "No version of late is live yet. Train one: python -m trainer train --data DIR"
        facts = metadata_of(error)
        assert before <= datetime.fromisoformat(facts["since"]) <= datetime.now(UTC)
        assert (facts["model"], facts["train"]) == ("late", "python -m trainer train --data DIR")
        item = request(model_pb2.Model(contract=read_contract(tiny_version(tmp_path / "one") / CONTRACT_FILE)))
        with pytest.raises(grpc.RpcError) as refusal:
            list(stub.Infer(iter([item]), timeout=5))
        assert refusal.value.code() == grpc.StatusCode.UNAVAILABLE
        mlflow_server.register("late", tmp_path / "one")
        wait_for_version(stub, "1")


def test_a_first_version_that_is_refused_is_a_failure_and_not_the_lack_of_one(
    mlflow_server: MlflowServer, tmp_path: Path
) -> None:
    with inference(mlflow_server.url, "first-refused", tmp_path / "cache") as stub:
        wait_until(lambda: code_and_reason(refusal_of(stub))[1] == "NO_VERSION_YET", what="the registry's answer")
        (tmp_path / "foreign").mkdir()
        (tmp_path / "foreign" / "MLmodel").write_text("flavors: {}\n")
        mlflow_server.register("first-refused", tmp_path / "foreign")
        wait_until(lambda: code_and_reason(refusal_of(stub))[1] == "MODEL_NOT_LOADED", what="the refusal")
        assert "Version 1 was refused" in str(refusal_of(stub).details())


def test_while_mlflow_does_not_answer_nobody_is_told_that_there_is_no_version(tmp_path: Path) -> None:
    REGISTRY_UP.set(1)
    with inference(f"http://127.0.0.1:{free_port()}", "unknown", tmp_path / "cache") as stub:
        wait_until(lambda: REGISTRY.get_sample_value("verger_registry_up") == 0, what="the outage being noticed")
        assert code_and_reason(refusal_of(stub))[1] == "MODEL_NOT_LOADED"


def test_the_service_starts_without_mlflow_and_follows_it_when_it_is_back(tmp_path: Path) -> None:
    with running_mlflow(tmp_path) as mlflow:
        mlflow.register("steady", tiny_version(tmp_path / "one", gain=8))
        with inference(mlflow.url, "steady", tmp_path / "cache") as stub:
            wait_for_version(stub, "1")
        mlflow.stop()
        with inference(mlflow.url, "steady", tmp_path / "cache") as stub:
            assert live(stub).ref.version == "1"  # already for the first call
            (response,) = stub.Infer(iter([request(live(stub))]), timeout=5)
            assert response.classification.model.version == "1"
            mlflow.start()
            mlflow.register("steady", tiny_version(tmp_path / "two", gain=9))
            wait_for_version(stub, "2")


def test_a_damaged_local_copy_is_fetched_again(mlflow_server: MlflowServer, tmp_path: Path) -> None:
    mlflow_server.register("repaired", tiny_version(tmp_path / "one"))
    with inference(mlflow_server.url, "repaired", tmp_path / "cache") as stub:
        wait_for_version(stub, "1")
    (copy,) = (tmp_path / "cache").glob("*/model.onnx")
    copy.write_bytes(b"damaged")
    with inference(mlflow_server.url, "repaired", tmp_path / "cache") as stub:
        wait_for_version(stub, "1")
    assert copy.read_bytes() == (tmp_path / "one" / "model.onnx").read_bytes()
