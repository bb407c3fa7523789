"""GET /api/v1/model."""

import httpx

from tests.support.page.scripted_classifier import FRUITS, ScriptedClassifier


async def test_the_live_model_is_described(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    classifier.description.model.contract.provenance.test_metrics["accuracy"] = 0.9470123
    response = await client.get("/api/v1/model")
    described = response.json()
    assert described["classes"][2] == {"label": "banana", "display_names": {"en": "banana", "fr": "banane"}}
    assert [item["label"] for item in described.pop("classes")] == list(FRUITS)
    assert described.pop("limits") == {
        "max_bytes": 200_000,
        "max_pixels": 64_000_000,
        "media_types": ["image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff", "image/avif"],
        "max_files": 9,
        "max_request_bytes": 600_000,
    }
    assert "1000.0" not in response.text, "a count is whole"
    assert described == {
        "name": "fruit-classifier",
        "version": "3",
        "digest": "ab" * 32,
        "live_since": "2026-05-04T12:00:00Z",
        "test_metrics": {"accuracy": 0.947, "images": 1000},
        "few_pictures": False,
        "refusal": None,
    }


async def test_a_model_of_few_pictures_says_so(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    classifier.description.model.contract.provenance.few_pictures = True
    assert (await client.get("/api/v1/model")).json()["few_pictures"] is True


async def test_a_refused_version_is_described(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    refusal = classifier.description.model.refusal
    refusal.ref.name, refusal.ref.version, refusal.reason, refusal.message = (
        "fruit-classifier",
        "4",
        "MODEL_CORRUPT",
        "?",
    )
    response = await client.get("/api/v1/model")
    assert response.json()["refusal"] == {
        "name": "fruit-classifier",
        "version": "4",
        "reason": "MODEL_CORRUPT",
        "message": "?",
    }
