"""Health, readiness, metrics and static files."""

import re

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.common.errors import ModelNotLoaded
from tests.support.page.scripted_classifier import ScriptedClassifier, web_server
from tests.support.pictures.photos import encoded, scene
from tests.support.servers.mlflow_server import free_port


async def test_health_depends_on_no_other_service() -> None:
    async with web_server(free_port()) as address, httpx.AsyncClient(base_url=address) as client:
        response = await client.get("/healthz")
        assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_readiness_depends_on_the_services_behind(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    assert (await client.get("/readyz")).json() == {"status": "ok"}
    classifier.description_error = ModelNotLoaded("No version is live.", since="2026-11-27T09:30:00+00:00")
    response = await client.get("/readyz")
    assert (response.status_code, response.json()["reason"]) == (503, "MODEL_NOT_LOADED")
    assert response.json()["since"] == "2026-11-27T09:30:00+00:00"
    classifier.description_error = None
    assert (await client.get("/readyz")).status_code == 200


async def counted(client: httpx.AsyncClient, **labels: str) -> float:
    families = text_string_to_metric_families((await client.get("/metrics")).text)
    samples = [sample for family in families for sample in family.samples]
    return sum(s.value for s in samples if s.name == "verger_http_requests_total" and s.labels == labels)


async def test_requests_are_counted_by_route_and_status(client: httpx.AsyncClient) -> None:
    classified = {"method": "POST", "route": "/api/v1/classify", "status": "200"}
    rejected, unknown = classified | {"status": "415"}, {"method": "GET", "route": "other", "status": "404"}
    before = [await counted(client, **labels) for labels in (classified, rejected, unknown)]
    await client.post("/api/v1/classify", content=encoded(scene()))
    await client.post("/api/v1/classify", content=b"text")
    await client.get("/any/address/that/a/scanner/tries")
    after = [await counted(client, **labels) for labels in (classified, rejected, unknown)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1, 1]


async def test_requests_that_are_refused_early_are_counted_by_route_too(client: httpx.AsyncClient) -> None:
    method = {"method": "DELETE", "route": "/api/v1/classify", "status": "405"}
    request_id = {"method": "GET", "route": "/api/v1/model", "status": "400"}
    before = [await counted(client, **labels) for labels in (method, request_id)]
    await client.delete("/api/v1/classify")
    await client.get("/api/v1/model", headers={"X-Request-ID": "x" * 1000})
    assert [await counted(client, **labels) for labels in (method, request_id)] == [count + 1 for count in before]


async def test_the_duration_of_requests_is_measured(client: httpx.AsyncClient) -> None:
    await client.get("/")
    metrics = (await client.get("/metrics")).text
    assert re.search(r'verger_http_request_seconds_bucket\{le="10.0",route="/"\} [1-9]', metrics)
    assert "verger_http_requests_in_flight 1.0" in metrics  # the request for the metrics itself


async def test_files_are_cached_forever_under_the_digest_of_their_content(client: httpx.AsyncClient) -> None:
    addresses = re.findall(
        r'(?:href|src)="(/static/(?:page\.css|result\.css|app\.js)\?v=\w+)"', (await client.get("/")).text
    )
    assert len(addresses) == 3
    for address in addresses:
        assert "immutable" in (await client.get(address)).headers["cache-control"]
        name, digest = address.split("?v=")
        for other in (name, f"{name}?v={digest[::-1]}"):
            assert (await client.get(other)).headers["cache-control"] == "no-cache"


async def test_an_unchanged_file_is_not_sent_again(client: httpx.AsyncClient) -> None:
    etag = (await client.get("/static/page.css")).headers["etag"]
    assert (await client.get("/static/page.css", headers={"If-None-Match": etag})).status_code == 304


async def test_every_file_that_a_page_refers_to_exists(client: httpx.AsyncClient) -> None:
    for page in ("/", "/docs"):
        names = re.findall(r'(?:href|src)="(/static/[^"]+)"', (await client.get(page)).text)
        assert len(names) >= 5
        for name in names:
            assert (await client.get(name)).status_code == 200, name
    for name in re.findall(r'url\("([^"]+)"\)', (await client.get("/static/page.css")).text):
        response = await client.get(f"/static/{name}")
        assert (response.status_code, response.headers["content-type"]) == (200, "font/woff2")
        assert "immutable" in response.headers["cache-control"]


@pytest.mark.parametrize("path", ["/static/", "/static/../app.py", "/static/%2e%2e/app.py", "/static/nothing.js"])
async def test_only_static_files_are_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404
