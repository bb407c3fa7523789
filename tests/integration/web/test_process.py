"""python -m services.web as launch.sh and containers run it."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.integration.web.scripted import ScriptedClassifier, eventually
from tests.support.mlflow_server import free_port
from tests.support.photos import encoded, scene


@asynccontextmanager
async def web_process(folder: Path, preprocess_port: int, port: int) -> AsyncIterator[Process]:
    own = {"VERGER_WEB_PORT": str(port), "VERGER_PREPROCESS_TARGET": f"127.0.0.1:{preprocess_port}"}
    environment = os.environ | own | {"PYTHONPATH": os.getcwd()}  # a working directory without an .env file
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.web", cwd=folder, env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def log_of(process: Process) -> list[dict[str, object]]:
    _, stderr = await process.communicate()
    return [json.loads(line) for line in stderr.decode().splitlines()]


async def refuses(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    await writer.wait_closed()
    return False


async def listens(port: int) -> bool:
    return not await refuses(port)


async def test_requests_in_flight_end_before_the_process_does(
    classifier: ScriptedClassifier, preprocess_port: int, tmp_path: Path
) -> None:
    port = free_port()
    async with (
        web_process(tmp_path, preprocess_port, port) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        await eventually(lambda: listens(port), "the start", seconds=60)
        classifier.gate.clear()
        request = asyncio.create_task(
            client.post("/api/v1/classify", content=encoded(scene()), headers={"X-Request-ID": "last"})
        )
        await classifier.arrivals.acquire()
        process.send_signal(signal.SIGTERM)
        await eventually(lambda: refuses(port), "the end of listening")
        classifier.gate.set()
        assert (await request).status_code == 200
        lines = await log_of(process)
        assert process.returncode == 0
        (line,) = [line for line in lines if line["event"] == "request" and line.get("request_id") == "last"]
        assert (line["service"], line["status"], line["path"]) == ("web", 200, "/api/v1/classify")


async def test_a_taken_port_is_said_by_name(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with web_process(tmp_path, free_port(), port) as process:
            lines = await log_of(process)
            assert process.returncode
            assert any(str(port) in str(line["event"]) and "already in use" in str(line["event"]) for line in lines)
