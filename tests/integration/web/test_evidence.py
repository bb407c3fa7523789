"""Evidence maps in the REST API and in the page's HTML."""

import re

import httpx
import pytest
from verger.v1 import classifier_pb2

from engine.errors import ImageCorrupt
from tests.support.page.scripted_classifier import (
    BANANA,
    BANANA_ON_THE_LEFT,
    LEFT_HALF,
    ScriptedClassifier,
    answer,
    form,
)
from tests.support.pictures.photos import encoded, scene

CLASSIFY = "/api/v1/classify"
PHOTO = encoded(scene())


async def test_evidence_is_returned_on_request(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    classifier.outcomes = [BANANA_ON_THE_LEFT, BANANA, ImageCorrupt("?")]
    response = await client.post(f"{CLASSIFY}?evidence=true", files=form(*[("x", PHOTO)] * 3))
    evidence = [result["evidence"] for result in response.json()["results"]]
    assert sorted(evidence, key=bool) == [
        None,
        None,
        {"height": 3, "width": 4, "strength": [[255, 255, 0, 0]] * 3},
    ]
    assert all(request.include_evidence for request in classifier.requests)


@pytest.mark.parametrize("query", ["", "?evidence=false"])
async def test_evidence_is_not_returned_by_default(
    client: httpx.AsyncClient, classifier: ScriptedClassifier, query: str
) -> None:
    classifier.outcomes = [BANANA_ON_THE_LEFT, ImageCorrupt("?")]
    response = await client.post(CLASSIFY + query, files=form(("a", PHOTO), ("b", PHOTO)))
    for result in response.json()["results"]:
        assert "evidence" not in result
    assert not any(request.include_evidence for request in classifier.requests)


@pytest.mark.parametrize("headers", [{}, {"X-Fragment": "answer"}], ids=["page", "fragment"])
async def test_the_page_contains_the_overlay_and_its_checkbox(
    client: httpx.AsyncClient, classifier: ScriptedClassifier, headers: dict[str, str]
) -> None:
    classifier.outcomes = [BANANA_ON_THE_LEFT]
    page = (
        await client.post("/predict", files=form(("lunch.jpg", PHOTO)), headers=headers | {"Accept-Language": "fr"})
    ).text
    assert classifier.requests[0].include_evidence
    assert re.search(r'<input type="checkbox"[^>]*>\s*Montrer ce que le modèle a regardé</label>', page)
    assert "La zone entourée, à gauche, est celle qui fait le plus penser à «\xa0banane\xa0»." in page
    assert " checked" not in page
    assert 'viewBox="0 0 4 3" preserveAspectRatio="none"' in page
    shade, line, _ = re.findall(r'<path class="(?:shade|outline|outline light)" d="(.*?)"/>', page)
    assert shade == f"M-2 -2H6V5H-2Z{line}"


@pytest.mark.parametrize(
    "outcome",
    [BANANA, answer({"kiwi": 0.2, "mango": 0.1}, classifier_pb2.VERDICT_OUT_OF_SCOPE, evidence=LEFT_HALF)],
    ids=["no evidence", "out of scope"],
)
async def test_without_evidence_the_page_has_no_checkbox(
    client: httpx.AsyncClient, classifier: ScriptedClassifier, outcome: classifier_pb2.ClassifyResponse
) -> None:
    classifier.outcomes = [outcome]
    page = (await client.post("/predict", files=form(("lunch.jpg", PHOTO)))).text
    assert "checkbox" not in page
    assert 'class="overlay"' not in page
