"""What the page for reviewers makes of addresses and of photos."""

import pytest
from verger.v1 import classifier_pb2, collection_pb2, model_pb2

from services.web.page.languages import load_catalogs
from services.web.problems import ParameterInvalid
from services.web.review.search import Search, filter_of, label_of, label_text, search_of
from services.web.review.views import CLASS_KEYS, RESERVED_KEYS, Words, item_of

EN, FR = (load_catalogs()[tag] for tag in ("en", "fr"))
OUT_OF_SCOPE = classifier_pb2.VERDICT_OUT_OF_SCOPE


def words(count: int = 2) -> Words:
    return Words([model_pb2.ClassInfo(label=f"class-{number}") for number in range(count)], EN)


def test_an_address_says_only_what_differs_from_the_defaults() -> None:
    assert search_of({}) == Search()
    assert search_of({}).query == ""
    assert not search_of({"state": "all"}).is_narrow
    search = search_of({"text": " a b&c ", "order": "newest", "after": "token", "lang": "fr"})
    assert search.query == "order=newest&text=a+b%26c"
    assert search.is_narrow


def test_labels_to_check_are_those_of_labelled_photos() -> None:
    assert search_of({"order": "doubtful"}).state == "labelled"
    assert search_of({"order": "doubtful", "state": "all"}).state == "all"


def test_a_day_lasts_from_midnight_to_midnight() -> None:
    wanted = filter_of(search_of({"day": "2026-02-28"}))
    assert wanted.received_from.ToDatetime().isoformat() == "2026-02-28T00:00:00"
    assert wanted.received_before.ToDatetime().isoformat() == "2026-03-01T00:00:00"
    for day in ("9999-12-31", "0000-01-01", "2026-02-30"):
        with pytest.raises(ParameterInvalid):
            search_of({"day": day})


@pytest.mark.parametrize("text", ["class:kiwi", "class:class:x", "none", "discarded"])
def test_labels_are_written_as_they_are_read(text: str) -> None:
    assert label_text(label_of(text)) == text


def test_every_class_has_a_key_of_its_own_as_long_as_there_are_some() -> None:
    for count in (2, 10, len(CLASS_KEYS), len(CLASS_KEYS) + 5):
        choices = words(count).choices()
        keys = [choice.key for choice in choices if choice.key.strip()]
        assert len(choices) == count + 2
        assert len(set(keys)) == len(keys) == min(count, len(CLASS_KEYS)) + 2
        assert not RESERVED_KEYS & set(keys[:-2])


@pytest.mark.parametrize(
    ("report", "verdict", "suggestion"),
    [
        (None, classifier_pb2.VERDICT_RECOGNISED, "class:class-0"),
        (None, OUT_OF_SCOPE, "none"),
        (collection_pb2.Report(kind=collection_pb2.REPORT_KIND_CLASS, label="kiwi"), OUT_OF_SCOPE, "class:kiwi"),
        (collection_pb2.Report(kind=collection_pb2.REPORT_KIND_NONE), classifier_pb2.VERDICT_UNSURE, "none"),
        (collection_pb2.Report(kind=collection_pb2.REPORT_KIND_RIGHT), OUT_OF_SCOPE, "none"),
        (collection_pb2.Report(kind=collection_pb2.REPORT_KIND_OTHER), classifier_pb2.VERDICT_UNSURE, ""),
    ],
)
def test_what_people_say_is_suggested_before_what_was_answered(
    report: collection_pb2.Report | None, verdict: classifier_pb2.Verdict, suggestion: str
) -> None:
    predictions = [classifier_pb2.Prediction(label="class-0", probability=0.9)]
    answer = classifier_pb2.Classification(verdict=verdict, predictions=predictions)
    photo = collection_pb2.Photo(answers=[collection_pb2.PhotoAnswer(classification=answer, report=report)])
    assert item_of(photo, words())["suggestion"] == suggestion


def test_a_photo_without_an_answer_suggests_nothing_and_says_so() -> None:
    item = item_of(collection_pb2.Photo(answers=[collection_pb2.PhotoAnswer()]), words())
    assert (item["suggestion"], item["tone"], item["answer"]) == ("", "", "no answer known")
