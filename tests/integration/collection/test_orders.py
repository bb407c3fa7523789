"""Orders of lists for review: useful photos first, those that look alike together, and labels that may be wrong."""

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import grpc
import pytest
from PIL import Image
from verger.v1 import classifier_pb2, collection_pb2

from tests.support.pictures.photos import encoded, patches
from tests.support.servers.collection_server import FRUITS, SECONDS, Collection, a, answer
from tests.support.statuses import code_and_reason

USEFUL, DOUBTFUL = collection_pb2.PHOTO_ORDER_USEFUL, collection_pb2.PHOTO_ORDER_DOUBTFUL
NONE = collection_pb2.Label(kind=collection_pb2.LABEL_KIND_NONE)
DISCARDED = collection_pb2.Label(kind=collection_pb2.LABEL_KIND_DISCARDED)
REFUSED = classifier_pb2.VERDICT_OUT_OF_SCOPE


def sure(probability: float, label: str = "cherry", verdict: int = 1) -> classifier_pb2.Classification:
    """An answer that is so sure of a class."""
    made = answer(label, verdict=verdict)
    made.predictions[0].probability, made.predictions[1].probability = probability, 1 - probability
    return made


def smaller(photo: bytes) -> bytes:
    """The same photo, saved again by a messenger."""
    with Image.open(io.BytesIO(photo)) as opened:
        return encoded(opened.resize((opened.width // 2, opened.height // 2)), quality=60)


def photo(seed: int) -> bytes:
    return encoded(patches((240, 160), seed=seed))


def test_photos_that_look_alike_are_one_group(collection: Collection) -> None:
    first = collection.add(photo(1)).photo_id
    copy = collection.add(smaller(photo(1))).photo_id
    other = collection.add(photo(2)).photo_id
    elsewhere = collection.add(photo(1), classifier="flowers").photo_id
    groups = {each.photo_id: (each.group_id, each.group_size) for each in collection.listed().photos}
    assert groups == {first: (first, 2), copy: (first, 2), other: (other, 1)}
    assert collection.photo(elsewhere).photo.group_size == 1
    assert collection.photo(copy).photo.group_size == 2
    assert set(collection.ids(group_id=first)) == {first, copy}
    collection.delete(first)
    assert collection.photo(copy).photo.group_size == 1
    again = collection.add(smaller(smaller(photo(1)))).photo_id
    assert set(collection.ids(group_id=first)) == {copy, again}


def test_blank_photos_are_no_group(collection: Collection) -> None:
    for grey in (10, 11):
        collection.add(encoded(Image.new("RGB", (64, 64), (grey, grey, grey))))
    assert [each.group_size for each in collection.listed().photos] == [1, 1]


def test_what_people_call_wrong_comes_first_then_the_least_sure_and_what_looks_alike_together(
    collection: Collection,
) -> None:
    wrong = collection_pb2.Report(kind=collection_pb2.REPORT_KIND_NONE)
    right = collection_pb2.Report(kind=collection_pb2.REPORT_KIND_RIGHT)
    sure_copy = collection.add(photo(1), classification=sure(0.99)).photo_id
    middle = collection.add(photo(2), classification=sure(0.8), report=right).photo_id
    called_wrong = collection.add(photo(3), request_id="answer-3", classification=sure(0.97)).photo_id
    unsure = collection.add(smaller(photo(1)), classification=sure(0.6)).photo_id
    collection.add(photo(3), request_id="answer-3", classification=sure(0.97), report=wrong)
    pages, token = [], ""
    for _ in range(4):
        page = collection.listed(page_size=1, page_token=token, order=USEFUL)
        pages += [each.photo_id for each in page.photos]
        token = page.next_page_token
    assert pages[0] == called_wrong
    assert set(pages[1:3]) == {sure_copy, unsure}
    assert pages[3] == middle
    assert collection.listed(page_token=token, order=USEFUL).photos == []


def test_labels_that_sure_answers_contradict_come_first(collection: Collection) -> None:
    ids = [collection.add(photo(seed), classification=sure(0.6 + seed / 10)).photo_id for seed in range(4)]
    refused = collection.add(photo(8), classification=sure(0.9, verdict=REFUSED)).photo_id
    unlabelled = collection.add(photo(9), classification=sure(0.9)).photo_id
    labels = [a("kiwi"), a("cherry"), NONE, DISCARDED]
    for number, (identity, label) in enumerate(zip(ids, labels, strict=True)):
        collection.label(f"decision-{number}", {identity: 0}, label)
    collection.label("decision-r", {refused: 0}, a("kiwi"))
    assert collection.ids(order=DOUBTFUL) == [ids[2], refused, ids[0]]
    collection.undo("undo-1", "decision-2")
    assert collection.ids(order=DOUBTFUL) == [refused, ids[0]]
    collection.add(photo(0), request_id="newer", classification=sure(0.9, "kiwi", verdict=1))
    assert collection.ids(order=DOUBTFUL) == [refused]
    assert unlabelled in collection.ids()


@pytest.mark.parametrize("order", [0, DOUBTFUL, 99])
def test_a_page_token_belongs_to_one_order(collection: Collection, order: int) -> None:
    for _ in range(2):
        collection.add()
    token = collection.listed(page_size=1, order=USEFUL).next_page_token
    with pytest.raises(grpc.RpcError) as refused:
        collection.listed(page_token=token, order=order)
    assert code_and_reason(refused.value) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")


def test_reports_on_photos_that_look_alike_at_the_same_moment_are_all_noted(collection: Collection) -> None:
    answers = ["answer-1", "answer-2", "answer-3"]
    copies = [photo(1), smaller(photo(1)), smaller(smaller(photo(1)))]
    for request_id, copy in zip(answers, copies, strict=True):
        collection.add(copy, request_id=request_id, classification=sure(0.9))
    assert {each.group_size for each in collection.listed().photos} == {3}
    barrier = Barrier(len(answers))

    def report(request_id: str) -> None:
        for kind in (collection_pb2.REPORT_KIND_RIGHT, collection_pb2.REPORT_KIND_NONE) * 5:
            barrier.wait(timeout=SECONDS)
            said = collection_pb2.Report(kind=kind)
            request = collection_pb2.ReportAnswerRequest(request_id=request_id, classifier=FRUITS, report=said)
            collection.stub.ReportAnswer(request, timeout=SECONDS)

    with ThreadPoolExecutor(len(answers)) as threads:
        list(threads.map(report, answers))
    assert len(collection.ids(report_kind=collection_pb2.REPORT_KIND_NONE)) == 3
