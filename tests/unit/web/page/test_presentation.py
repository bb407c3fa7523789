import base64
from datetime import UTC, datetime

import pytest
from verger.v1 import classifier_pb2

from engine.errors import ImageFormatUnsupported, ImageTooLarge, VergerError
from services.common.errors import InferenceUnavailable, ModelNotLoaded, NoVersionYet, RemoteError
from services.web.page.languages import load_catalogs
from services.web.page.presentation import (
    MAX_EMBEDDED_BYTES,
    data_uri,
    enumeration,
    samples_for,
    view_absence,
    view_answer,
    view_error,
    view_model,
)
from services.web.page.samples import sample_keys
from services.web.uploads.forms import Upload
from tests.support.page.scripted_classifier import FRUITS, LEFT_HALF, answer, description
from tests.support.pictures.photos import encoded, plain

CATALOGS = load_catalogs()
EN, FR = CATALOGS["en"], CATALOGS["fr"]
CLASSES = description().model.contract.classes


def test_the_headline_is_the_class_in_the_language_of_the_page() -> None:
    response = answer({"banana": 0.98, "kiwi": 0.02})
    assert view_answer(response, CLASSES, EN, 30).headline == "Banana"
    assert view_answer(response, CLASSES, FR, 30).headline == "Banane"


@pytest.mark.parametrize(
    ("share", "english", "french"),
    [
        (0.9996, "I’m more than 99% sure.", "J’en suis sûr à plus de 99\u202f%."),
        (0.87, "I’m 87% sure.", "J’en suis sûr à 87\u202f%."),
        (1.0, "I’m 100% sure.", "J’en suis sûr à 100\u202f%."),
    ],
)
def test_the_probability_is_written_as_a_sentence(share: float, english: str, french: str) -> None:
    response = answer({"banana": share, "kiwi": 1 - share})
    assert view_answer(response, CLASSES, EN, 30).explanation == english
    assert view_answer(response, CLASSES, FR, 30).explanation == french


def test_the_five_most_probable_classes_get_bars() -> None:
    view = view_answer(answer(dict.fromkeys(FRUITS, 0.1)), CLASSES, FR, 30)
    assert [bar.name for bar in view.bars] == ["pomme", "avocat", "banane", "cerise", "kiwi"]
    assert view.bars[0].share == pytest.approx(0.1)
    assert view.bars[0].percent == "10\u202f%"


def test_an_unsure_answer_names_the_two_most_probable_classes() -> None:
    response = answer({"apple": 0.41, "mango": 0.37, "kiwi": 0.22}, classifier_pb2.VERDICT_UNSURE)
    view = view_answer(response, CLASSES, EN, 30)
    assert view.tone == "unsure"
    assert view.headline == "Not sure: apple or mango?"


def test_an_out_of_scope_answer_says_what_is_closest_and_not_how_sure_that_is() -> None:
    response = answer({"avocado": 0.89, "kiwi": 0.11}, classifier_pb2.VERDICT_OUT_OF_SCOPE)
    bars = view_answer(response, CLASSES, EN, 30).bars
    assert [(bar.name, bar.percent) for bar in bars] == [("closest: avocado", None), ("kiwi", None)]
    assert view_answer(response, CLASSES, FR, 30).bars[0].name == "le plus proche\u00a0: avocat"


@pytest.mark.parametrize("verdict", classifier_pb2.Verdict.values()[1:], ids=classifier_pb2.Verdict.keys()[1:])
def test_every_answer_explains_all_verdicts_and_marks_its_own(verdict: classifier_pb2.Verdict) -> None:
    view = view_answer(answer({"avocado": 0.9, "kiwi": 0.1}, verdict), CLASSES, EN, 30)
    assert [item.name for item in view.verdicts] == ["A name", "“Not sure”", "“None of them”"]
    assert [item.is_given for item in view.verdicts] == [value == verdict for value in (1, 2, 3)]


def test_an_out_of_scope_answer_lists_the_classes() -> None:
    classes = {"hammer": "marteau", "saw": "scie", "drill": "perceuse"}
    infos = description(classes=classes).model.contract.classes
    view = view_answer(answer({"saw": 0.5, "drill": 0.3}, classifier_pb2.VERDICT_OUT_OF_SCOPE), infos, EN, 30)
    assert view.tone == "out_of_scope"
    assert view.headline == "None of the 3 things I know"
    assert "hammer, saw and drill" in view.explanation
    assert "fruit" not in (view.headline + view.explanation).lower()


@pytest.mark.parametrize(
    ("verdict", "drawn"),
    [
        (classifier_pb2.VERDICT_RECOGNISED, True),
        (classifier_pb2.VERDICT_UNSURE, True),
        (classifier_pb2.VERDICT_OUT_OF_SCOPE, False),
    ],
)
def test_the_overlay_is_drawn_unless_the_photo_is_out_of_scope(verdict: classifier_pb2.Verdict, drawn: bool) -> None:
    response = answer({"apple": 0.5, "kiwi": 0.5}, verdict, evidence=LEFT_HALF)
    assert (view_answer(response, CLASSES, EN, 30).overlay is not None) is drawn
    assert view_answer(answer({"apple": 0.5, "kiwi": 0.5}, verdict), CLASSES, EN, 30).overlay is None


def test_the_evidence_is_described_in_words() -> None:
    response = answer({"apple": 0.9, "kiwi": 0.1}, evidence=LEFT_HALF)
    assert view_answer(response, CLASSES, EN, 30).evidence == (
        "The outlined part, on the left, is what looks most like “apple” to the model."
    )
    assert view_answer(answer({"apple": 0.9, "kiwi": 0.1}), CLASSES, EN, 30).evidence is None


def test_the_answer_names_its_version_and_its_duration() -> None:
    view = view_answer(answer({"banana": 1, "kiwi": 0}, version="12"), CLASSES, EN, 1310)
    assert view.model == "fruit-classifier, version 12"
    assert view.timing == "1.3\u00a0s in total, including 12\u00a0ms to decode the photo and 10\u00a0ms for the model"


def test_a_class_without_a_description_is_shown_by_its_label() -> None:
    assert view_answer(answer({"durian": 0.9, "kiwi": 0.1}), CLASSES, FR, 30).headline == "Durian"


def test_a_model_without_french_names_is_shown_in_english() -> None:
    described = description()
    for info in described.model.contract.classes:
        del info.display_names["fr"]
    assert view_model(described, FR).classes[0].name == "apple"


def test_the_model_is_described_in_the_language_of_the_page() -> None:
    view = view_model(description("7"), FR)
    assert (view.name, view.version, view.refused_version) == ("fruit-classifier", "7", None)
    assert "95\u202f% de bonnes réponses" in view.figures[0]
    assert view.class_names.endswith("ananas, fraise et pastèque")
    assert view.formats.startswith("JPEG, PNG, WEBP")


def test_a_model_without_a_measured_accuracy_shows_no_figures() -> None:
    described = description()
    described.model.contract.provenance.test_metrics.clear()
    assert view_model(described, EN).figures == []


def test_a_refused_version_is_named() -> None:
    described = description()
    described.model.refusal.ref.version = "4"
    assert view_model(described, EN).refused_version == "4"


def test_samples_are_offered_only_for_classes_that_the_model_has() -> None:
    view = view_model(description(classes={"kiwi": "kiwi", "hammer": "marteau", "apple": "pomme"}), FR)
    offered = [(item.key, item.name) for item in samples_for(view.classes, sample_keys(), FR)]
    assert offered[:2] == [("kiwi", "kiwi"), ("apple", "pomme")]
    assert all(key.startswith("others/") for key, _ in offered[2:])
    assert samples_for(view_model(description(classes={"saw": "scie"}), FR).classes, sample_keys(), FR) == []


@pytest.mark.parametrize("tag", CATALOGS)
def test_every_sample_picture_is_offered(tag: str) -> None:
    classes = view_model(description(), CATALOGS[tag]).classes
    assert {item.key for item in samples_for(classes, sample_keys(), CATALOGS[tag])} == sample_keys()


def test_an_error_gets_a_text_in_the_language_of_the_page() -> None:
    view = view_error(ImageTooLarge("21 MB"), FR, max_size="20 Mo", max_files=32)
    assert (view.status, view.reason) == (413, "IMAGE_TOO_LARGE")
    assert view.text.startswith("La limite est de 20 Mo.")


@pytest.mark.parametrize("name", ["list.txt", "list", "list.jpg", None])
def test_an_unsupported_file_is_not_judged_by_its_name(name: str | None) -> None:
    view = view_error(ImageFormatUnsupported("?"), EN, max_size="", max_files=1, upload=Upload(name, b"apples"))
    assert (view.title, view.file) == ("This is not a photo I can read", name)
    assert view.text.startswith("It isn’t a picture, or it is in a format that I can’t read.")


NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "english", "french"),
    [
        ("2026-11-27T11:59:30+00:00", "less than a minute", "moins d’une minute"),
        ("2026-11-27T12:00:09+00:00", "less than a minute", "moins d’une minute"),  # clocks differ
        ("2026-11-27T11:30:00+00:00", "30\u00a0min", "30\u00a0min"),
        ("2026-11-27T09:10:00+00:00", "2\u00a0h", "2\u00a0h"),
        ("2026-11-24T12:00:00+00:00", "3\u00a0days", "3\u00a0jours"),
    ],
)
def test_without_a_version_the_page_says_for_how_long(since: str, english: str, french: str) -> None:
    error = ModelNotLoaded("None.", since=since)
    assert f"none has been for {english}." in view_absence(error, EN, NOW)
    assert f"n’est en service depuis {french}." in view_absence(error, FR, NOW)


def test_before_the_first_version_the_page_says_for_how_long_and_how_to_train_it() -> None:
    error = NoVersionYet("None.", since="2026-11-27T09:10:00+00:00", model="flowers", train="./launch.sh --train DIR")
    assert view_absence(error, EN, NOW) == (
        "No version of flowers is live yet, and the service has been waiting for one for 2\u00a0h. "
        "Train one: ./launch.sh --train DIR"
    )
    french = view_absence(error, FR, NOW)
    assert french.startswith(
        "Aucune version de flowers n’est encore en service\u00a0: on en attend une depuis 2\u00a0h."
    )
    assert french.endswith("./launch.sh --train DIR")


@pytest.mark.parametrize("error", [InferenceUnavailable("?"), ModelNotLoaded("From a replica of an older release.")])
def test_without_an_answer_the_page_says_that_the_classifier_may_be_starting(error: VergerError) -> None:
    assert "may still be starting" in view_absence(error, EN, NOW)


def test_an_unknown_reason_gets_the_text_of_an_internal_error() -> None:
    view = view_error(RemoteError("UNKNOWN", "SOMETHING_NEW", "?"), EN, max_size="", max_files=1)
    assert (view.title, view.reason, view.status) == ("Something went wrong here", "SOMETHING_NEW", 500)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
def test_a_photo_that_every_browser_shows_becomes_a_data_uri(format: str) -> None:
    photo = encoded(plain(), format)
    address = data_uri(photo)
    assert address is not None
    media_type, _, content = address.removeprefix("data:").partition(";base64,")
    assert media_type == f"image/{format.lower()}"
    assert base64.b64decode(content) == photo


def test_other_formats_and_large_photos_do_not_become_data_uris() -> None:
    assert data_uri(encoded(plain(), "TIFF")) is None
    assert data_uri(b"<svg onload='...'>") is None
    assert data_uri(encoded(plain()) + bytes(MAX_EMBEDDED_BYTES)) is None


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_joined_as_the_language_does(names: list[str], text: str) -> None:
    assert enumeration(names, EN) == text
