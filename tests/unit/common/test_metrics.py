"""Which metrics each service exports."""

import re

import pytest

from tests.support.imports import output_of

INFERENCE = {
    "verger_verdicts_total",
    "verger_model_live",
    "verger_model_swaps_total",
    "verger_model_refusals_total",
}


def exported_by(service: str) -> set[str]:
    """Returns the names of Verger's metrics in a service that has answered no request."""
    program = (
        f"import services.{service}.__main__, prometheus_client; print(prometheus_client.generate_latest().decode())"
    )
    return set(re.findall(r"^# TYPE (verger_\w+)", output_of(program), re.MULTILINE))


def test_web_exports_only_metrics_of_http_and_quotas() -> None:
    exported = exported_by("web")
    assert "verger_http_requests_total" in exported
    assert all(name.startswith(("verger_http_", "verger_quota_")) for name in exported), exported


@pytest.mark.parametrize(("service", "expected"), [("inference", INFERENCE), ("preprocess", set())])
def test_only_inference_exports_metrics_of_the_model(service: str, expected: set[str]) -> None:
    exported = exported_by(service)
    assert exported & INFERENCE == expected
    assert {"verger_stage_seconds", "verger_queue_seconds", "verger_grpc_calls_total"} <= exported
