"""The client against real servers: both protocols, blocking and for asyncio."""

import asyncio
from pathlib import Path

import pytest
from verger_client import Busy, Client, PhotoError, Result, Timeout, Unavailable, Verdict

from services.common.errors import ModelNotLoaded, Overloaded
from tests.integration.client.conftest import Door
from tests.support.page.scripted_classifier import (
    BANANA,
    BANANA_ON_THE_LEFT,
    LEFT_HALF,
    ScriptedClassifier,
    answer,
    scripted_server,
)
from tests.support.pictures.photos import encoded, scene
from tests.support.servers.mlflow_server import free_port

PHOTO = encoded(scene())
FULL = Overloaded("Full. Send it again.")


async def test_an_answer_says_what_the_photo_shows(door: Door) -> None:
    found = await door.classify(PHOTO)
    assert (found.verdict, found.label) == (Verdict.RECOGNISED, "banana")
    assert (found.model, found.version) == ("fruit-classifier", "3")
    assert [item.label for item in found.predictions] == ["banana", "mango", "apple", "kiwi", "orange"]
    assert found.predictions[0].probability == pytest.approx(0.96)
    assert found.timings_ms == {"decode_queue": 0.5, "decode": 12.25, "compute_queue": 0.25, "compute": 9.5}


async def test_a_refused_photo_has_no_label(door: Door, classifier: ScriptedClassifier) -> None:
    classifier.outcomes = [answer({"mango": 0.4, "kiwi": 0.3}, 3)]
    found = await door.classify(PHOTO)
    assert (found.verdict, found.label, found.predictions[0].label) == (Verdict.OUT_OF_SCOPE, None, "mango")


async def test_evidence_and_the_number_of_predictions_are_asked_for(door: Door, classifier: ScriptedClassifier) -> None:
    classifier.outcomes = [BANANA_ON_THE_LEFT]
    found = await door.classify(PHOTO, evidence=True, top_k=2, request_id="lunch")
    assert found.evidence is not None
    assert (found.evidence.height, found.evidence.width) == (3, 4)
    assert found.evidence.strength == b"".join(LEFT_HALF)
    (request,) = classifier.requests
    assert (request.top_k, request.include_evidence) == (2, True)
    assert found.request_id == "lunch"


async def test_a_photo_that_is_none_is_the_callers_fault_and_not_sent_again(
    door: Door, classifier: ScriptedClassifier
) -> None:
    with pytest.raises(PhotoError) as raised:
        await door.classify(b"apples, pears")
    assert raised.value.reason == "IMAGE_FORMAT_UNSUPPORTED"
    assert len(classifier.requests) == 1


async def test_a_failure_that_passes_is_not_noticed(door: Door, classifier: ScriptedClassifier) -> None:
    away = ModelNotLoaded("None.", since="2026-11-27T09:30:00+00:00")
    classifier.outcomes = [FULL, away, BANANA]
    assert (await door.classify(PHOTO)).label == "banana"
    assert len(classifier.requests) == 3


async def test_a_failure_that_stays_is_raised_when_the_time_is_over(door: Door, classifier: ScriptedClassifier) -> None:
    classifier.outcomes = [FULL]
    with pytest.raises(Busy, match=r"Full\. Send it again\.") as raised:
        await door.classify(PHOTO, timeout=1.5)
    assert (raised.value.reason, raised.value.retry_after) == ("OVERLOADED", 1)


async def test_a_server_that_does_not_answer_costs_no_more_than_the_timeout(
    door: Door, classifier: ScriptedClassifier
) -> None:
    classifier.gate.clear()
    with pytest.raises(Timeout):
        await door.classify(PHOTO, timeout=0.5)
    classifier.gate.set()
    assert (await door.classify(PHOTO)).label == "banana"


async def test_many_photos_each_get_their_own_answer(door: Door, tmp_path: Path) -> None:
    (tmp_path / "good.jpg").write_bytes(PHOTO)
    photos = [tmp_path / "good.jpg", PHOTO, b"no picture", tmp_path / "missing.jpg", scene()]
    results = await door.classify_many(photos)
    assert len(results) == 5
    for photo in photos:
        (result,) = [result for result in results if result.photo is photo]
        if photo in (photos[2], photos[3]):
            assert isinstance(result.error, PhotoError)
            with pytest.raises(PhotoError):
                result.get()
        else:
            assert result.get().label == "banana"


async def test_photos_are_taken_only_as_answers_come(door: Door, classifier: ScriptedClassifier) -> None:
    taken: list[bytes] = []

    def endless() -> object:
        while len(taken) < 40:
            taken.append(PHOTO)
            yield PHOTO

    classifier.gate.clear()
    results = asyncio.create_task(door.classify_many(endless(), concurrency=3))
    await classifier.arrivals.acquire()
    assert len(taken) <= 3
    classifier.gate.set()
    assert [result.get().label for result in await results] == ["banana"] * 40
    assert classifier.max_concurrent <= 3


async def test_one_of_many_that_finds_the_server_full_is_sent_again(door: Door, classifier: ScriptedClassifier) -> None:
    classifier.outcomes = [FULL, BANANA]
    results = await door.classify_many([PHOTO] * 5, concurrency=2)
    assert [result.get().label for result in results] == ["banana"] * 5
    assert len(classifier.requests) == 6


async def test_no_photos_give_no_results(door: Door) -> None:
    assert await door.classify_many([]) == []


async def test_a_server_that_restarts_in_the_middle_loses_no_photo(classifier: ScriptedClassifier) -> None:
    port = free_port()
    before = scripted_server(classifier, port)
    await before.__aenter__()
    with Client(f"127.0.0.1:{port}", timeout=60) as client:

        def classify() -> list[Result]:
            return [*client.classify_many([PHOTO] * 200, concurrency=4)]

        results = asyncio.create_task(asyncio.to_thread(classify))
        for _ in range(20):
            await classifier.arrivals.acquire()
        await before.__aexit__(None, None, None)
        async with scripted_server(classifier, port):
            assert [result.get().label for result in await results] == ["banana"] * 200


async def test_the_live_version_is_described(address: str, classifier: ScriptedClassifier) -> None:
    classifier.description.model.contract.provenance.few_pictures = True
    with Client(address) as client:
        found = await asyncio.to_thread(client.describe)
    assert (found.model, found.version, found.few_pictures) == ("fruit-classifier", "3", True)
    assert found.classes[2].display_names == {"en": "banana", "fr": "banane"}
    assert found.max_pixels == 64_000_000
    assert "image/jpeg" in found.media_types
    assert found.test_metrics == {"accuracy": 0.947, "images": 1000}


@pytest.mark.parametrize("scheme", ["", "http://"])
async def test_nobody_at_the_address_is_unavailable(scheme: str) -> None:
    with Client(f"{scheme}127.0.0.1:{free_port()}", timeout=0.5) as client, pytest.raises(Unavailable):
        await asyncio.to_thread(client.classify, PHOTO)


async def test_a_key_goes_with_every_call(address: str, classifier: ScriptedClassifier) -> None:
    """Web would have checked it; it calls preprocess with a key of its own."""
    with Client(address, key="vgr_secret") as client:
        await asyncio.to_thread(client.classify, PHOTO)
        await asyncio.to_thread(lambda: [*client.classify_many([PHOTO])])
    sent = [metadata.get("authorization") for metadata in classifier.metadata]
    assert sent == (["Bearer vgr_secret"] * 2 if "http" not in address else [None] * 2)
