"""compose.observability.yml: a real Prometheus scrapes the system, and a collector receives its traces."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from tests.support.repository import ROOT
from tests.support.systems.composed import Composed
from tests.support.systems.uploads import PHOTO
from tests.support.waiting import wait_until

LAYERS = ["compose.observability.yml", "tests/compose/standins.observability.yml"]
SERVICES = ["web", "preprocess", "inference"]
DASHBOARD = ROOT / "observability" / "grafana" / "dashboards" / "verger.json"


@pytest.fixture(scope="module")
def observed(verger: Composed) -> Iterator[Composed]:
    """The system with compose.observability.yml, except Grafana, which exists only as a public image."""
    verger.compose(
        "up", "--build", "--detach", "--wait", *SERVICES, "collection", "prometheus", "otel-collector", layers=LAYERS
    )
    yield verger
    verger.compose("up", "--detach", "--wait", "--remove-orphans")


def query(verger: Composed, path: str, **parameters: str) -> Any:
    """Calls the HTTP API of Prometheus and returns the data of its answer."""
    address = f"http://127.0.0.1:{verger.ports['VERGER_PROMETHEUS_PORT']}/api/v1/{path}"
    answer = httpx.get(address, params=parameters, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_every_service_is_scraped(observed: Composed) -> None:
    assert observed.classify(PHOTO).status_code == 200

    def answered() -> dict[str, float]:
        counted = 'sum by (job) ({__name__=~"verger_(http_requests|grpc_calls)_total"}) * on (job) up'
        result = query(observed, "query", query=counted)["result"]
        return {item["metric"]["job"]: float(item["value"][1]) for item in result}

    wait_until(lambda: set(SERVICES) <= {job for job, count in answered().items() if count}, 60, "metrics of all")
    wait_until(lambda: query(observed, "query", query='up{job="collection"} == 1')["result"], 60, "the collection")


def test_prometheus_knows_every_metric_of_the_dashboard(observed: Composed) -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]

    def all_measured() -> bool:
        names = {name.removesuffix("_total") for name in query(observed, "metadata")} | {"sum by (job) (up)"}
        return all(any(name in expression for name in names) for expression in expressions)

    wait_until(all_measured, 60, "a metric for each panel")
    for expression in expressions:
        query(observed, "query", query=expression)  # fails the test if Prometheus can't parse it


def alerts(verger: Composed) -> dict[str, str]:
    """The state of each alert: inactive, pending or firing."""
    (group,) = query(verger, "rules")["groups"]
    assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}
    return {rule["name"]: rule["state"] for rule in group["rules"]}


def test_a_healthy_system_raises_no_alert_and_a_stopped_service_does(observed: Composed) -> None:
    wait_until(lambda: set(alerts(observed).values()) == {"inactive"}, 120, "no alert")
    (inference,) = observed.containers("inference")
    observed.run("docker", "pause", inference)
    try:
        wait_until(lambda: alerts(observed)["ServiceDown"] != "inactive", 120, "the alert")
    finally:
        observed.run("docker", "unpause", inference)


def test_prometheus_knows_every_metric_of_the_alerts(observed: Composed) -> None:
    rules = yaml.safe_load((ROOT / "observability" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    named = {name for rule in rules for name in re.findall(r"verger_\w+", rule["expr"])}

    def unknown() -> set[str]:
        known = set(query(observed, "label/__name__/values"))
        return named - known - {"verger_model_refusals_total"}  # has no value before the first refusal

    wait_until(lambda: not unknown(), 60, "a value of each metric")


def test_promtool_accepts_the_configuration(observed: Composed) -> None:
    (prometheus,) = observed.compose("ps", "--quiet", "prometheus", layers=LAYERS).split()
    check = observed.run("docker", "exec", prometheus, "promtool", "check", "config", "/etc/prometheus/prometheus.yml")
    assert check.returncode == 0, check.stdout + check.stderr


def test_one_trace_contains_spans_of_all_services(observed: Composed) -> None:
    (collector,) = observed.compose("ps", "--quiet", "otel-collector", layers=LAYERS).split()
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    answer = httpx.post(f"{observed.web}/api/v1/classify", content=PHOTO, headers=headers, timeout=30)
    assert answer.status_code == 200

    def seen() -> set[str]:
        lines = observed.run("docker", "logs", collector).stdout.splitlines()
        return {line.split()[0] for line in lines if trace in line}

    wait_until(lambda: seen() == {f"verger-{service}" for service in SERVICES}, 60, "the spans of all services")
