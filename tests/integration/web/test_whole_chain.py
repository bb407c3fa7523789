"""Web, preprocess, inference and MLflow together, with a tiny model that classifies colours."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from PIL import Image

from services.inference.config import InferenceSettings
from services.inference.server import inference_server
from services.preprocess.config import PreprocessSettings
from services.preprocess.server import preprocess_server
from tests.support.background import in_background
from tests.support.page.scripted_classifier import web_server
from tests.support.pictures.photos import BLUE, RED, encoded, plain
from tests.support.servers.mlflow_server import MlflowServer
from tests.support.tiny_model import tiny_version
from tests.support.waiting import eventually

NAME = "seen-on-the-web"
CLASSIFY = "/api/v1/classify"


@asynccontextmanager
async def running_chain(mlflow_url: str, name: str, cache: Path) -> AsyncIterator[httpx.AsyncClient]:
    inference_settings = InferenceSettings(
        inference_port=0,
        inference_metrics_port=0,
        mlflow_url=mlflow_url,
        model_name=name,
        model_poll_seconds=0.1,
        model_cache_directory=cache,
    )
    with ExitStack() as servers:
        inference = servers.enter_context(in_background(inference_server(inference_settings)))
        preprocess_settings = PreprocessSettings(
            preprocess_port=0, preprocess_metrics_port=0, inference_target=f"127.0.0.1:{inference.port}"
        )
        preprocess = servers.enter_context(in_background(preprocess_server(preprocess_settings)))
        async with (
            web_server(preprocess.port) as address,
            httpx.AsyncClient(base_url=address, timeout=30) as client,
        ):
            yield client


@pytest.fixture
async def chain(mlflow_server: MlflowServer, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    mlflow_server.register(NAME, tiny_version(tmp_path / "first"))
    async with running_chain(mlflow_server.url, NAME, tmp_path / "cache") as client:

        async def ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await eventually(ready, "readiness", seconds=60)
        yield client


async def test_without_a_version_page_and_readiness_say_how_to_train_one_and_health_that_the_system_has_started(
    mlflow_server: MlflowServer, tmp_path: Path
) -> None:
    async with running_chain(mlflow_server.url, "nothing-yet", tmp_path / "cache") as client:
        sentence = "No version of nothing-yet is live yet. Train one: python -m trainer train --data DIR"

        async def said() -> bool:
            page = (await client.get("/")).text
            return all(part in page for part in sentence.split(". "))

        await eventually(said, "the page without a version", seconds=60)
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["reason"]) == (503, "NO_VERSION_YET")
        assert answer.json()["detail"] == sentence
        assert datetime.fromisoformat(answer.json()["since"]) <= datetime.now(UTC)
        refused = await client.post("/predict", files={"file": encoded(plain(RED))})
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
        assert "There is no model yet" in refused.text
        health = [sys.executable, "-m", "services.common.process.health", f"{client.base_url}/readyz"]
        unready = await asyncio.to_thread(subprocess.run, health, capture_output=True, text=True)
        assert (unready.returncode, unready.stdout) == (1, "")
        assert sentence in unready.stderr
        started = await asyncio.to_thread(subprocess.run, [*health, "--started"], capture_output=True, text=True)
        assert (started.returncode, started.stdout, started.stderr) == (0, f"{sentence}\n", "")


@pytest.mark.parametrize("orientation", [1, 6], ids=["as stored", "rotated by EXIF"])
async def test_the_evidence_matches_the_upright_photo(chain: httpx.AsyncClient, orientation: int) -> None:
    photo = plain((0, 0, 0), (32, 32))
    photo.paste(RED, (0, 0, 16, 32))  # the left half as stored, the upper half of the upright photo
    exif = Image.Exif()
    exif[0x0112] = orientation
    response = await chain.post(f"{CLASSIFY}?evidence=true", content=encoded(photo, "PNG", exif=exif))
    (result,) = response.json()["results"]
    assert result["predictions"][0]["label"] == "red"
    rows = [[255, 255, 0, 0]] * 4 if orientation == 1 else [[255] * 4] * 2 + [[0] * 4] * 2
    assert result["evidence"] == {"height": 4, "width": 4, "strength": rows}


async def test_a_photo_passes_all_services_and_a_new_champion_appears(
    chain: httpx.AsyncClient, mlflow_server: MlflowServer, tmp_path: Path
) -> None:
    photos = [("file", ("red.png", encoded(plain(RED), "PNG"))), ("file", ("blue.jpg", encoded(plain(BLUE))))]
    answer = (await chain.post(CLASSIFY, files=photos)).json()
    first = answer["model"]["version"]
    assert [result["verdict"] for result in answer["results"]] == ["RECOGNISED", "RECOGNISED"]
    assert [result["predictions"][0]["label"] for result in answer["results"]] == ["red", "blue"]
    for result in answer["results"]:
        assert sum(item["probability"] for item in result["predictions"]) == pytest.approx(1, abs=1e-3), result

    page = await chain.post("/predict", files=photos[:1])
    assert '<h2 id="answer" tabindex="-1">Red</h2>' in page.text
    assert f"{NAME}, version {first}" in page.text
    assert (await chain.post(CLASSIFY, content=b"text")).status_code == 415

    second = mlflow_server.register(NAME, tiny_version(tmp_path / "second", gain=9))

    async def is_shown() -> bool:
        return f"<strong>{NAME}</strong>, version {second}" in (await chain.get("/")).text

    await eventually(is_shown, "the new champion on the page", seconds=60)
    assert (await chain.post(CLASSIFY, files=photos)).json()["model"] == {"name": NAME, "version": second}
