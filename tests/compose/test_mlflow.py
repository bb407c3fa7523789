"""MLflow in containers: host names, artifacts and priority, and how inference depends on it."""

import httpx
import pytest

from tests.support.systems.composed import Composed
from tests.support.systems.uploads import PHOTO
from tests.support.waiting import wait_until


@pytest.mark.parametrize(
    ("host", "status"), [("localhost", 200), ("127.0.0.1", 200), ("mlflow.example", 403), ("mlflow:5000.example", 403)]
)
def test_mlflow_refuses_unknown_host_names(verger: Composed, host: str, status: int) -> None:
    """A request with another host name may come from a foreign page by DNS rebinding."""
    name = f"{host}:{verger.ports['VERGER_MLFLOW_PORT']}" if status == 200 else host
    search = f"{verger.mlflow}/api/2.0/mlflow/experiments/search"
    answer = httpx.post(search, json={"max_results": 1}, headers={"host": name}, timeout=60)
    assert answer.status_code == status, answer.text


def test_mlflow_accepts_its_service_name_and_additional_host_names(verger: Composed) -> None:
    (inference,) = verger.containers("inference")
    ask = "import urllib.request as r; print(r.urlopen('http://mlflow:5000/version', timeout=30).status)"
    assert verger.python(inference, ask).strip() == "200"
    allowed = {"VERGER_MLFLOW_ALLOWED_HOSTS": "mlflow:5000,localhost:*,127.0.0.1:*,mlflow.example"}
    verger.compose("up", "--detach", "--no-deps", "--wait", "mlflow", **allowed)
    answer = httpx.get(f"{verger.mlflow}/version", headers={"host": "mlflow.example"}, timeout=60)
    verger.compose("up", "--detach", "--no-deps", "--wait", "mlflow")
    assert answer.status_code == 200


def test_mlflow_has_a_lower_cpu_share_than_inference(verger: Composed) -> None:
    found = verger.inspect(*verger.containers("mlflow"), *verger.containers("inference"))
    mlflow, inference = (container["HostConfig"]["CpuShares"] for container in found)
    assert 0 < mlflow < 1024 / 9
    assert inference == 0  # default of Docker, which is 1024


def test_artifacts_are_stored_on_the_volume_of_the_server(verger: Composed) -> None:
    """Clients therefore need no key and no mount, and the page of MLflow shows the artifacts."""
    version = {"name": "fruit-classifier", "version": "1"}
    api = f"{verger.mlflow}/api/2.0"
    found = httpx.get(f"{api}/mlflow/model-versions/get-download-uri", params=version, timeout=60).json()
    scheme, path = found["artifact_uri"].split(":", 1)
    assert scheme == "mlflow-artifacts"
    served = httpx.get(f"{api}/mlflow-artifacts/artifacts/{path.strip('/')}/contract.json", timeout=60)
    (mlflow,) = verger.containers("mlflow")
    stored = f"import pathlib; print(*pathlib.Path('/data/artifacts').rglob('{path.strip('/')}/contract.json'))"
    assert served.json()["contract_version"] == 1
    assert verger.python(mlflow, stored).strip().endswith("contract.json")


def test_a_new_inference_container_serves_from_its_cache_without_mlflow(verger: Composed) -> None:
    verger.compose("stop", "mlflow")
    try:
        verger.compose("up", "--detach", "--no-deps", "--force-recreate", "--wait", "inference")
        verger.wait_ready()
        assert verger.classify(PHOTO).status_code == 200
    finally:
        verger.compose("up", "--detach", "--wait")


def test_inference_without_cache_answers_503_until_mlflow_returns(verger: Composed) -> None:
    (inference,) = verger.containers("inference")
    verger.python(inference, "import pathlib; pathlib.Path('/var/lib/verger/models/live.json').unlink()")
    verger.python(inference, "import shutil; shutil.rmtree('/var/lib/verger/models', ignore_errors=True)")
    verger.compose("stop", "mlflow")
    try:
        verger.compose("restart", "inference")
        wait_until(lambda: verger.classify(PHOTO).status_code == 503, what="a refusal")
        refused = verger.classify(PHOTO)
        assert refused.json()["reason"] in ("MODEL_NOT_LOADED", "INFERENCE_UNAVAILABLE"), refused.text
        assert int(refused.headers["retry-after"]) > 0
    finally:
        verger.compose("start", "mlflow")
    wait_until(lambda: verger.classify(PHOTO).status_code == 200, 120, "the model, without another restart")
    verger.compose("up", "--detach", "--wait")
