"""The log of a service holds one JSON object a line, whatever a client, a library or a child process writes."""

import json
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from services.common.process.logging import MAX_LINE_CHARACTERS
from services.common.process.raw_output import MAX_LINES_PER_SECOND, MAX_TEXT_BYTES
from tests.support.repository import ROOT
from tests.support.servers.mlflow_server import free_port

FORGED = '{"event": "version refused", "level": "error", "service": "inference", "version": "FORGED"}'

START = """
import ctypes, logging, os, subprocess, sys, warnings
import structlog
from services.common.process.settings import ServiceSettings
from services.common.process.start import start_process
start_process("inference", ServiceSettings)
log = structlog.get_logger("here")
"""


def run(program: str, *, status: int = 0, **variables: str) -> list[dict[str, Any]]:
    """Runs a program as a service; returns the lines of its log."""
    done = subprocess.run(
        [sys.executable, "-c", START + program],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"} | variables,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert done.stdout == b""
    return [json.loads(line) for line in done.stderr.decode("ascii").splitlines()]


def test_lines_have_the_service_and_no_local_variables() -> None:
    lines = run(
        "log.info('version live', version='3')\n"
        "logging.getLogger('library').warning('from a library')\n"
        "photo = 'somebody'\n"
        "try: raise ValueError('bad')\n"
        "except ValueError: log.exception('failed')\n"
    )
    assert [(line["event"], line["level"], line["service"]) for line in lines] == [
        ("version live", "info", "inference"),
        ("from a library", "warning", "inference"),
        ("failed", "error", "inference"),
    ]
    assert "somebody" not in str(lines)
    assert lines[2]["exception"][0]["exc_type"] == "ValueError"


@pytest.mark.parametrize(
    "write",
    [
        "os.write(2, TEXT)",
        "os.write(1, TEXT)",
        "ctypes.CDLL(None).write(2, TEXT, len(TEXT))",
        "sys.stderr.write(TEXT.decode()), sys.stderr.flush()",
        "subprocess.run([sys.executable, '-c', f'import os; os.write(2, {TEXT})'])",
    ],
)
def test_what_is_written_past_the_logger_becomes_the_text_of_a_line(write: str) -> None:
    first, second = run(f"TEXT = {('gone ' + chr(27) + chr(10) + FORGED + chr(10)).encode()}\n{write}")
    assert (first["event"], first["text"], first["service"]) == ("raw output", "gone \x1b", "inference")
    assert (second["event"], second["text"]) == ("raw output", FORGED)


def test_a_crash_in_c_code_leaves_the_stack_of_python() -> None:
    program = f"{START}\ndef forward(): ctypes.string_at(0)\nforward()"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in done.stderr
    assert "in forward" in done.stderr


def test_bytes_that_are_no_text_and_a_line_without_an_end_are_logged() -> None:
    (line,) = run(r"os.write(2, b'\xff\x00\r end')")
    assert line["text"] == "\\xff\x00\r end"


def test_warnings_and_the_error_that_ends_the_process_are_lines() -> None:
    lines = run("warnings.warn('old')\nraise OSError('Port 1 is taken.')", status=1)
    assert "UserWarning: old" in lines[0]["event"]
    assert (lines[1]["event"], lines[1]["message"]) == ("process failed", "Port 1 is taken.")
    assert lines[1]["exception"][0]["exc_type"] == "OSError"


def test_endless_raw_output_costs_few_lines_and_hides_no_other() -> None:
    lines = run(
        "import time\n"
        "end = time.monotonic() + 2.5\n"
        "while time.monotonic() < end: ctypes.CDLL(None).write(2, b'fax: bad code word\\n' * 50, 950)\n"
        "log.info('still here')\n"
    )
    raw = [line for line in lines if line["event"] == "raw output"]
    assert MAX_LINES_PER_SECOND <= len(raw) <= 10 * MAX_LINES_PER_SECOND
    assert sum(line["lines"] for line in lines if line["event"] == "raw output left out") > 1000
    assert "still here" in {line["event"] for line in lines}


def test_long_lines_are_shortened() -> None:
    lines = run(
        "import time\n"
        "for _ in range(100): os.write(2, b'x' * 4096) if not time.sleep(0.001) else None\n"
        "os.write(2, b'\\n')\n"
        "log.info('request', path='/' + 'y' * 1_000_000, status=404)\n"
    )
    raw, own = sorted(lines, key=lambda line: str(line["event"]))
    assert raw["text"] == "x" * MAX_TEXT_BYTES
    assert own["status"] == "404"
    assert own["path"].startswith("/yyy")
    assert own["shortened_from"] > 1_000_000
    assert all(len(json.dumps(line)) <= MAX_LINE_CHARACTERS for line in lines)


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("VERGER_LOG_LEVEL", "loud", "VERGER_LOG_LEVEL=loud: Input should be 'debug', 'info', 'warning' or 'error'."),
        ("VERGER_DRAIN_SECONDS", "-1", "VERGER_DRAIN_SECONDS=-1: Input should be greater than or equal to 0."),
        ("VERGER_TLS", "off", "VERGER_TLS=off: Input should be 'on'."),
    ],
)
def test_a_wrong_setting_is_the_only_line(setting: str, value: str, told: str) -> None:
    (line,) = run("", status=2, **{setting: value})
    assert (line["event"], line["level"], line["service"]) == ("wrong setting", "critical", "inference")
    assert line["message"].startswith(told)


def http2_frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, 0]) + struct.pack(">I", 0) + payload


def test_a_client_can_not_write_lines_into_the_log_of_a_grpc_server(tmp_path: Path) -> None:
    port, settings, goaway = free_port(), 4, 7
    variables = {
        "VERGER_INFERENCE_PORT": str(port),
        "VERGER_INFERENCE_METRICS_PORT": str(free_port()),
        "VERGER_MLFLOW_URL": f"http://127.0.0.1:{free_port()}",
        "VERGER_MODEL_CACHE_DIRECTORY": str(tmp_path / "models"),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "services.inference"], cwd=ROOT, env=variables, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr
        lines = [next(line for line in process.stderr if b'"listening"' in line)]
        with socket.create_connection(("127.0.0.1", port)) as client:
            text = b"x\n" + FORGED.encode() + b"\n"
            client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2_frame(settings, b""))
            client.sendall(http2_frame(goaway, struct.pack(">II", 0, 2) + text))
            while b"FORGED" not in lines[-1]:
                lines.append(process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        lines += process.stderr.readlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert "version refused" not in {json.loads(line)["event"] for line in lines}


def test_a_picture_can_not_write_lines_into_the_log_of_preprocess(tmp_path: Path) -> None:
    """libtiff complains about each row of damaged fax data."""
    fax = tmp_path / "fax.tif"
    Image.new("1", (2000, 3000)).save(fax, compression="group3")
    content = bytearray(fax.read_bytes())
    content[8:-400] = b"\x5a\xc3\x0f" * (len(content[8:-400]) // 3) + bytes(len(content[8:-400]) % 3)
    fax.write_bytes(content)
    lines = run(
        "from PIL import Image\n"
        "log.info('before')\n"
        f"try: Image.open({str(fax)!r}).load()\n"
        "except OSError: pass\n"
        "log.info('after')\n"
    )
    assert {"before", "raw output", "after"} <= {line["event"] for line in lines}
