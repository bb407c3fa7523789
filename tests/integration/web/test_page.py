"""The HTML of the page as the server sends it. tests/page tests it in a browser."""

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.common.errors import ModelNotLoaded, Overloaded
from services.web.middleware import SECURITY_HEADERS
from tests.support.page.scripted_classifier import (
    BANANA,
    BANANA_ON_THE_LEFT,
    FRUITS,
    ScriptedClassifier,
    answer,
    description,
    web_server,
)
from tests.support.pictures.photos import encoded, scene
from tests.support.servers.mlflow_server import free_port

PHOTO = encoded(scene())
FRENCH = {"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"}


def upload(content: bytes = PHOTO, name: str = "lunch.jpg") -> dict[str, tuple[str, bytes]]:
    return {"file": (name, content)}


async def test_the_page_is_in_the_language_of_the_browser(client: httpx.AsyncClient) -> None:
    english, french = await client.get("/"), await client.get("/", headers=FRENCH)
    assert '<html lang="en">' in english.text
    assert re.search(r"<button[^>]*>Predict</button>", english.text)
    assert '<html lang="fr">' in french.text
    assert re.search(r"<button[^>]*>Prédire</button>", french.text)
    assert french.headers["content-language"] == "fr"
    assert french.headers["vary"] == "Accept-Language, Cookie"


async def test_a_chosen_language_is_remembered(client: httpx.AsyncClient) -> None:
    response = await client.get("/?lang=fr", headers={"Accept-Language": "en"})
    assert '<html lang="fr">' in response.text
    assert "lang=fr;" in response.headers["set-cookie"]
    assert '<html lang="fr">' in (await client.get("/", headers={"Accept-Language": "en"})).text
    assert '<html lang="en">' in (await client.get("/?lang=en")).text
    assert '<html lang="en">' in (await client.get("/", headers=FRENCH)).text


async def test_an_unknown_language_is_not_remembered(client: httpx.AsyncClient) -> None:
    response = await client.get("/?lang=tlh")
    assert response.status_code == 200
    assert "set-cookie" not in response.headers


async def test_the_page_describes_the_live_model(client: httpx.AsyncClient) -> None:
    page = (await client.get("/", headers=FRENCH)).text
    assert "Verger sait reconnaître 10\xa0catégories" in page
    assert "ananas, fraise et pastèque" in page
    assert "<strong>fruit-classifier</strong>, version 3" in page
    assert "1000 photos de test de la collection d’apprentissage\xa0: 95\u202f% de bonnes réponses" in page
    assert "peuvent être fausses" not in page
    assert re.findall(r'name="sample" value="(\w+)"', page) == list(FRUITS)
    assert 'accept="image/jpeg,image/png' in page


async def test_the_page_of_a_model_with_other_classes_mentions_no_fruit(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    classifier.description = description(classes={"hammer": "marteau", "saw": "scie", "drill": "perceuse"})
    page = (await client.get("/")).text
    assert "3 kinds of things: hammer, saw and drill" in page
    assert "sample" not in page
    assert "fruit" not in page.replace("fruit-classifier", "").lower()


@pytest.mark.parametrize(
    ("language", "notice"), [("en", "its answers may be wrong"), ("fr", "ses réponses peuvent être fausses")]
)
async def test_a_model_of_few_pictures_says_that_it_may_be_wrong(
    client: httpx.AsyncClient, classifier: ScriptedClassifier, language: str, notice: str
) -> None:
    classifier.description.model.contract.provenance.few_pictures = True
    assert notice in (await client.get("/", params={"lang": language})).text


async def test_a_refused_version_is_named_in_the_footer(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    classifier.description.model.refusal.ref.version = "4"
    assert "Version 4 was refused" in (await client.get("/")).text


@pytest.mark.parametrize("headers", [{}, {"X-Fragment": "answer"}], ids=["page", "fragment"])
async def test_an_answer_is_shown(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    response = await client.post("/predict", files=upload(), headers=headers)
    assert response.status_code == 200
    assert '<h2 id="answer" tabindex="-1">Banana</h2>' in response.text
    assert "I’m 96% sure." in response.text
    assert response.text.count('<span id="bar-') == 5
    assert "fruit-classifier, version 3" in response.text
    assert ("<html" in response.text) is not bool(headers)
    assert response.headers["cache-control"] == "no-store"


async def test_an_answer_is_shown_without_a_description_of_its_model(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    classifier.description_error = Overloaded("Full.")
    response = await client.post("/predict", files=upload(), headers=FRENCH)
    assert response.status_code == 200
    assert ">Banana</h2>" in response.text


async def test_without_a_script_the_page_contains_the_photo(client: httpx.AsyncClient) -> None:
    page = (await client.post("/predict", files=upload())).text
    (embedded,) = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert base64.b64decode(embedded) == PHOTO


async def test_with_the_script_the_photo_is_not_sent_back(client: httpx.AsyncClient) -> None:
    fragment = (await client.post("/predict", files=upload(), headers={"X-Fragment": "answer"})).text
    assert "data:" not in fragment
    assert "data-preview" in fragment


async def test_a_photo_that_browsers_can_not_show_is_classified(client: httpx.AsyncClient) -> None:
    page = (await client.post("/predict", files=upload(encoded(scene((64, 48)), "TIFF")))).text
    assert "There is no preview for this photo" in page
    assert "Banana" in page


async def test_a_sample_is_classified(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    response = await client.post("/predict", files={"sample": (None, "banana")})
    assert response.status_code == 200
    assert re.search(r'<img src="/static/samples/banana.webp\?v=\w+" alt="Your photo">', response.text)
    assert classifier.requests[0].image == (await client.get("/static/samples/banana.webp")).content


@pytest.mark.parametrize(
    ("sent", "status", "title"),
    [
        ({"files": {"file": ("", b"")}}, 400, "Pas encore de photo"),
        ({"files": upload(b"")}, 400, "Le fichier est vide"),
        ({"content": b"x"}, 400, "Le formulaire reçu est illisible"),
        ({"files": {"sample": (None, "../../app")}}, 404, "Rien ne pousse ici"),
        ({"files": upload(bytes(200_001))}, 413, "Le fichier est trop lourd"),
        ({"files": upload(b"text")}, 415, "Je ne sais pas lire ce fichier"),
        ({"files": upload(PHOTO[:2000])}, 422, "Il manque une partie de la photo"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("fragment", [True, False], ids=["fragment", "page"])
async def test_errors_have_friendly_texts_and_their_own_status(
    client: httpx.AsyncClient, sent: dict[str, Any], status: int, title: str, fragment: bool
) -> None:
    headers = FRENCH | ({"X-Fragment": "answer"} if fragment else {})
    response = await client.post("/predict", headers=headers, **sent)
    assert response.status_code == status
    assert f">{title}</h2>" in response.text
    assert ('id="photo-form"' in response.text) is not fragment


async def test_overload_is_answered_with_retry_after(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    classifier.outcomes = [Overloaded("Full.")]
    response = await client.post("/predict", files=upload())
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")


async def test_the_page_is_shown_when_no_other_service_answers() -> None:
    async with (
        web_server(free_port(), request_timeout_seconds=0.5) as address,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
    ):
        page = await client.get("/")
        assert page.status_code == 200
        assert "The classifier is not answering yet." in page.text
        assert 'id="photo-form"' in page.text
        answered = await client.post("/predict", files=upload())
        assert answered.status_code == 503
        assert "The classifier is temporarily unavailable" in answered.text


async def test_a_missing_model_is_reported(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    since = datetime.now(UTC) - timedelta(minutes=5, seconds=30)
    classifier.description_error = ModelNotLoaded("None.", since=since.isoformat(timespec="seconds"))
    classifier.outcomes = [ModelNotLoaded("None.")]
    page = await client.get("/")
    assert page.status_code == 200
    assert "none has been for 5\xa0min." in page.text
    response = await client.post("/predict", files=upload())
    assert response.status_code == 503
    assert "No model is ready yet" in response.text


async def test_an_error_names_the_file(client: httpx.AsyncClient) -> None:
    page = (await client.post("/predict", files=upload(b"text", "<i>.txt"))).text
    assert '<p class="file-name">&lt;i&gt;.txt</p>' in page
    assert "It isn’t a picture, or it is in a format that I can’t read." in page


async def test_the_camera_of_a_phone_sends_its_photo_in_a_field_of_its_own(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    """Both fields of the form are called `file`. Browsers send the one without a photo as an empty file."""
    response = await client.post("/predict", files=[("file", ("", b"")), ("file", ("taken.jpg", PHOTO))])
    assert response.status_code == 200
    assert classifier.requests[0].image == PHOTO


async def test_a_sample_that_is_no_class_is_classified(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    (key, *_) = re.findall(r'name="sample" value="(others/\w+)"', (await client.get("/")).text)
    response = await client.post("/predict", files={"sample": (None, key)})
    assert response.status_code == 200
    assert classifier.requests[0].image == (await client.get(f"/static/samples/{key}.webp")).content


async def test_names_of_files_and_classes_are_escaped(
    client: httpx.AsyncClient, classifier: ScriptedClassifier
) -> None:
    evil = "<script>alert(1)</script>"
    classifier.description = description(classes={evil: evil, "kiwi": "kiwi"})
    classifier.outcomes = [answer({evil: 0.9, "kiwi": 0.1})]
    page = (await client.post("/predict", files=upload(name=f"{evil}.jpg"))).text
    assert evil not in page
    assert "&lt;script&gt;" in page


async def test_a_bug_gets_a_friendly_error_page(client: httpx.AsyncClient, classifier: ScriptedClassifier) -> None:
    classifier.outcomes = [answer({})]  # an answer without predictions breaks the contract
    response = await client.post("/predict", files=upload())
    assert response.status_code == 500
    assert "Something went wrong here" in response.text
    assert "Traceback" not in response.text
    classifier.outcomes = [BANANA]
    assert (await client.post("/predict", files=upload())).status_code == 200


async def test_the_address_of_an_answer_redirects_to_the_form(client: httpx.AsyncClient) -> None:
    response = await client.get("/predict")
    assert (response.status_code, response.headers["location"]) == (303, "/")


async def test_unknown_addresses_give_browsers_a_page_and_programs_a_problem(client: httpx.AsyncClient) -> None:
    person = await client.get("/orchard", headers={"Accept": "text/html,*/*;q=0.8"})
    assert person.status_code == 404
    assert "Nothing grows here" in person.text
    program = await client.get("/orchard")
    assert (program.status_code, program.json()["reason"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/", "/docs", "/nothing", "/api/v1/model", "/static/app.js", "/healthz"])
async def test_every_response_has_the_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_the_page_needs_no_inline_scripts_or_styles(
    client: httpx.AsyncClient, classifier: ScriptedClassifier, path: str
) -> None:
    classifier.outcomes = [BANANA_ON_THE_LEFT]
    page = (await client.get(path)).text + (await client.post("/predict", files=upload())).text
    assert "unsafe" not in SECURITY_HEADERS["content-security-policy"]
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)
    assert all(re.search(r'\ssrc="/static/', tag) for tag in re.findall("<script[^>]*>", page))


async def test_nothing_is_loaded_from_other_servers(client: httpx.AsyncClient) -> None:
    for path in ("/", "/docs", "/static/page.css", "/static/result.css", "/static/app.js"):
        assert not re.search(r"""(src=|href=|url\(|import )["']?(https?:)?//""", (await client.get(path)).text)


async def test_head_is_answered(client: httpx.AsyncClient) -> None:
    response = await client.head("/")
    assert (response.status_code, response.content) == (200, b"")
