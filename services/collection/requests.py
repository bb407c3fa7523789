"""Checks requests, and turns them into facts."""

import base64
import json
import math
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from verger.v1 import classifier_pb2, collection_pb2

from services.collection.errors import FieldInvalid
from services.collection.facts import (
    Answer,
    Classification,
    Filter,
    Label,
    LabelKind,
    Order,
    Prediction,
    Report,
    ReportKind,
    Seen,
    Source,
)
from services.collection.records.listing import Page, Place
from services.common.rpc.request_ids import MAX_REQUEST_ID_CHARACTERS

MAX_NAME_CHARACTERS = 100
MAX_VERSION_CHARACTERS = 40
MAX_NOTE_CHARACTERS = 500
MAX_FEATURES = 4096
MAX_PHOTOS_PER_CALL = 1000
MAX_PREDICTIONS = 10_000
MAX_PAGE, DEFAULT_PAGE = 500, 50

Member = TypeVar("Member", bound=StrEnum)


def name_of(text: str, field: str, limit: int = MAX_NAME_CHARACTERS) -> str:
    """Returns a name of a classifier, a class or a person: 1 to `limit` printable characters.

    Raises:
        FieldInvalid: it is none.
    """
    if not 0 < len(text) <= limit or not text.isprintable() or text != text.strip():
        raise FieldInvalid(f"“{field}” must have 1 to {limit} printable characters.", field=field)
    return text


def photo_id_of(text: str, field: str = "photo_id") -> str:
    """Returns the id of a photo or of a group, if it has the form of one."""
    if len(text) != 32 or not set(text) <= set("0123456789abcdef"):
        raise FieldInvalid(f"“{field}” must have 32 hexadecimal characters.", field=field)
    return text


def decision_id_of(text: str, field: str = "request_id") -> str:
    """Returns the id of a decision."""
    return name_of(text, field, MAX_REQUEST_ID_CHARACTERS)


def source_of(value: int) -> Source:
    """Returns where a photo comes from."""
    return _member(Source, collection_pb2.PhotoSource, value, "PHOTO_SOURCE_", "source")


def label_of(message: collection_pb2.Label) -> Label:
    """Returns a label."""
    kind = _member(LabelKind, collection_pb2.LabelKind, message.kind, "LABEL_KIND_", "label.kind")
    return Label(kind, _class_of(message.name, kind is LabelKind.CLASS, "label.name"))


def report_of(message: collection_pb2.Report) -> Report:
    """Returns what a person says."""
    kind = _member(ReportKind, collection_pb2.ReportKind, message.kind, "REPORT_KIND_", "report.kind")
    label = _class_of(message.label, kind is ReportKind.CLASS, "report.label")
    if len(message.note) > MAX_NOTE_CHARACTERS or "\0" in message.note:
        raise FieldInvalid(f"“report.note” may have at most {MAX_NOTE_CHARACTERS} characters.", field="report.note")
    return Report(kind, label, message.note)


def classification_of(message: classifier_pb2.Classification) -> Classification:
    """Returns what a version answered."""
    field = "classification"
    version = name_of(message.model.version, f"{field}.model.version", MAX_VERSION_CHARACTERS)
    if message.verdict not in classifier_pb2.Verdict.values() or not message.verdict:
        raise FieldInvalid("“classification.verdict” must be one of the verdicts.", field=f"{field}.verdict")
    verdict = classifier_pb2.Verdict.Name(message.verdict).removeprefix("VERDICT_").lower()
    probabilities = [prediction.probability for prediction in message.predictions]
    if not 0 < len(probabilities) <= MAX_PREDICTIONS or not all(0 <= each <= 1 for each in probabilities):
        raise FieldInvalid(
            "“classification.predictions” must be probabilities from 0 to 1.", field=f"{field}.predictions"
        )
    if not math.isfinite(message.scope_score):
        raise FieldInvalid("“classification.scope_score” must be finite.", field=f"{field}.scope_score")
    named = [
        Prediction(name_of(each.label, f"{field}.predictions.label"), each.probability) for each in message.predictions
    ]
    return Classification(version, verdict, named, message.scope_score)


def features_of(request: collection_pb2.AddPhotoRequest) -> bytes:
    """Returns the features of a photo, if there are some."""
    numbers = request.features
    count = len(numbers) // 4
    is_whole = len(numbers) % 4 == 0 and count <= MAX_FEATURES and (not numbers or request.HasField("classification"))
    if not is_whole or not all(map(math.isfinite, struct.unpack(f"<{count}f", numbers))):
        text = f"“features” must be at most {MAX_FEATURES} finite float32 numbers, and come with a classification."
        raise FieldInvalid(text, field="features")
    return numbers


def answer_of(request: collection_pb2.AddPhotoRequest, request_id: str) -> Answer:
    """Returns the answer that a photo to keep got."""
    classification = classification_of(request.classification) if request.HasField("classification") else None
    report = report_of(request.report) if request.HasField("report") else None
    return Answer(request_id, source_of(request.source), classification, report)


def filter_of(message: collection_pb2.PhotoFilter) -> Filter:
    """Returns which photos to list."""
    verdict = classifier_pb2.Verdict.Name(message.verdict).removeprefix("VERDICT_").lower() if message.verdict else None
    report = message.report_kind
    states = {collection_pb2.REVIEW_STATE_OPEN: False, collection_pb2.REVIEW_STATE_LABELLED: True}
    texts = {
        "predicted": "predicted_label",
        "model_version": "model_version",
        "text": "text",
        "request_id": "request_id",
    }
    limits = {"request_id": MAX_REQUEST_ID_CHARACTERS}
    return Filter(
        verdict=verdict,
        source=source_of(message.source) if message.source else None,
        received_from=_time_of(message, "received_from"),
        received_before=_time_of(message, "received_before"),
        is_labelled=states.get(message.state),
        label=label_of(message.label) if message.HasField("label") else None,
        group=photo_id_of(message.group_id, "filter.group_id") if message.group_id else None,
        report=_member(ReportKind, collection_pb2.ReportKind, report, "REPORT_KIND_", "report_kind")
        if report
        else None,
        **{
            name: name_of(getattr(message, field), f"filter.{field}", limits.get(field, MAX_NAME_CHARACTERS))
            for name, field in texts.items()
            if getattr(message, field)
        },
    )


def page_size_of(size: int) -> int:
    """Returns how many photos a page has."""
    if size > MAX_PAGE:
        raise FieldInvalid(f"“page_size” may be at most {MAX_PAGE}.", field="page_size")
    return size or DEFAULT_PAGE


def order_of(value: int) -> Order:
    """Returns the order of a list."""
    if not value:
        return Order.NEWEST
    return _member(Order, collection_pb2.PhotoOrder, value, "PHOTO_ORDER_", "order")


def page_of(request: collection_pb2.ListPhotosRequest) -> Page:
    """Returns what to list."""
    return Page(
        name_of(request.classifier, "classifier"),
        filter_of(request.filter),
        page_size_of(request.page_size),
        order_of(request.order),
        _place_of(request),
    )


def _place_of(request: collection_pb2.ListPhotosRequest) -> Place | None:
    """Returns where the page before ended; None for the first page."""
    if not request.page_token:
        return None
    try:
        order, *values = json.loads(base64.urlsafe_b64decode(request.page_token))
        photo_id_of(values[-1])
        if order != order_of(request.order):
            raise ValueError
        if order == Order.NEWEST:
            moment, photo = values
            return Place(Order.NEWEST, (datetime.fromisoformat(moment), photo))
        number, *ids = values
        return Place(Order(order), (float(number), *map(photo_id_of, ids)))
    except (ValueError, TypeError, IndexError, FieldInvalid):
        text = "“page_token” must be the next_page_token of a page of the same list, unchanged."
        raise FieldInvalid(text, field="page_token") from None


def seen_of(messages: Sequence[collection_pb2.SeenPhoto]) -> Sequence[Seen]:
    """Returns photos as a reviewer saw them."""
    photos_of([message.photo_id for message in messages])
    return [Seen(message.photo_id, message.revision) for message in messages]


def photos_of(ids: Sequence[str]) -> Sequence[str]:
    """Returns ids of photos, each once."""
    if not 0 < len(ids) <= MAX_PHOTOS_PER_CALL or len(set(ids)) < len(ids):
        raise FieldInvalid(f"Name 1 to {MAX_PHOTOS_PER_CALL} photos, each once.", field="photos")
    return [photo_id_of(identity) for identity in ids]


def _class_of(name: str, is_needed: bool, field: str) -> str:
    if not is_needed and name:
        raise FieldInvalid(f"“{field}” is for classes only.", field=field)
    return name_of(name, field) if is_needed else ""


def _member(kind: type[Member], enum: Any, value: int, prefix: str, field: str) -> Member:
    if not value or value not in enum.values():
        raise FieldInvalid(f"“{field}” must be set to one of its values.", field=field)
    return kind(enum.Name(value).removeprefix(prefix).lower())


def _time_of(message: collection_pb2.PhotoFilter, field: str) -> datetime | None:
    if not message.HasField(field):
        return None
    try:
        moment: datetime = getattr(message, field).ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise FieldInvalid(f"“filter.{field}” is no time.", field=f"filter.{field}") from None
    return moment
