"""Lets schemathesis call the REST API: it makes requests, sound and unsound ones, from the API's own description."""

import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.own_environment import run_apart
from tests.support.systems.system import System

SCHEMATHESIS = "schemathesis==4.32.5"
"""It is a plugin of pytest, too, which the other tests do without: it loads modules at their end."""

MAX_SECONDS = 4 * 3600.0

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
_COUNTED = re.compile(r'^verger_http_requests_total\{method="\w+",route="([^"]*)",status="(\d+)"\} (\S+)', re.MULTILINE)


@dataclass(frozen=True)
class RestRun:
    """How many requests were answered with each status, by the metrics of web, and what is wrong."""

    statuses: Counter[str]
    findings: list[str]


def send_requests(system: System, count: int, seed: int) -> RestRun:
    """Sends about `count` requests. Wrong are: 5xx other than 503, and answers that the description does not know."""
    before = _statuses(system)
    command = ["schemathesis", "--no-color", "run", f"{system.web}/openapi.json", "--continue-on-failure"]
    options = {
        "--checks": ",".join(CHECKS),
        "--phases": "examples,coverage,fuzzing",
        "--max-examples": str(count),  # of each operation; all but one have hardly any to make
        "--seed": str(seed),
        "--request-timeout": "30",
        "--generation-database": "none",
        "--warnings": "off",
        "--workers": "2",
    }
    words = [word for pair in options.items() for word in pair]
    with tempfile.TemporaryDirectory() as folder:  # it leaves files in the working directory
        done = run_apart(SCHEMATHESIS, *command, *words, cwd=Path(folder), seconds=MAX_SECONDS)
    statuses = _statuses(system) - before
    findings = [
        f"{times} answers of {status}" for status, times in statuses.items() if status >= "500" and status != "503"
    ]
    if done.returncode:
        findings.append(f"schemathesis ended with {done.returncode}:\n{done.stdout[-20_000:]}{done.stderr[-2000:]}")
    return RestRun(statuses, findings)


def _statuses(system: System) -> Counter[str]:
    text = httpx.get(f"{system.web}/metrics", timeout=30).text
    counts: Counter[str] = Counter()
    for route, status, value in _COUNTED.findall(text):
        if route != "/metrics":
            counts[status] += int(float(value))
    return counts
