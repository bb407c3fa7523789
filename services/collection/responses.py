"""Turns facts into responses."""

import base64
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from verger.v1 import classifier_pb2, collection_pb2, model_pb2

from services.collection.facts import Answer, Conflict, Label, LabelChange, Outcome, Photo
from services.collection.records.listing import Page, place_of


def token_of(photos: Sequence[Photo], page: Page) -> str:
    """Returns the token of the next page; empty if this one is the last."""
    if len(photos) < page.size:
        return ""
    place = place_of(photos[-1], page.order)
    values = [value.isoformat() if isinstance(value, datetime) else value for value in place.values]
    return base64.urlsafe_b64encode(json.dumps([place.order, *values]).encode()).decode()


def photo_message(photo: Photo, lifetime: timedelta) -> collection_pb2.Photo:
    """Returns the message of a photo."""
    return collection_pb2.Photo(
        photo_id=photo.id,
        digest=photo.digest,
        width=photo.width,
        height=photo.height,
        size_bytes=photo.size_bytes,
        source=_value(collection_pb2.PhotoSource, "PHOTO_SOURCE_", photo.source),
        received_at=timestamp(photo.received_at),
        expires_at=timestamp(photo.received_at + lifetime),
        label=_label_message(photo.label),
        revision=photo.revision,
        labelled_by=photo.labelled_by,
        labelled_at=timestamp(photo.labelled_at),
        answers=[_answer_message(answer, photo.classifier) for answer in photo.answers],
        group_id=photo.group,
        group_size=photo.group_size,
    )


def change_message(change: LabelChange) -> collection_pb2.LabelChange:
    """Returns the message of a change of a label."""
    return collection_pb2.LabelChange(
        decision_id=change.decision,
        revision=change.revision,
        label=_label_message(change.label),
        changed_by=change.changed_by,
        changed_at=timestamp(change.changed_at),
    )


def outcome_fields(outcome: Outcome) -> dict[str, Any]:
    """Returns the fields of LabelPhotosResponse and UndoLabelsResponse."""
    return {
        "changed": [collection_pb2.SeenPhoto(photo_id=seen.photo, revision=seen.revision) for seen in outcome.changed],
        "conflicts": [_conflict_message(conflict) for conflict in outcome.conflicts],
    }


def _conflict_message(conflict: Conflict) -> collection_pb2.LabelConflict:
    return collection_pb2.LabelConflict(
        photo_id=conflict.photo,
        is_deleted=conflict.is_deleted,
        label=_label_message(conflict.label),
        revision=conflict.revision,
        labelled_by=conflict.labelled_by,
    )


def _answer_message(answer: Answer, classifier: str) -> collection_pb2.PhotoAnswer:
    message = collection_pb2.PhotoAnswer(
        request_id=answer.request_id,
        source=_value(collection_pb2.PhotoSource, "PHOTO_SOURCE_", answer.source),
        kept_at=timestamp(answer.kept_at),
        reported_at=timestamp(answer.reported_at),
    )
    if known := answer.classification:
        verdict = _value(classifier_pb2.Verdict, "VERDICT_", known.verdict)
        model = model_pb2.ModelRef(name=classifier, version=known.model_version)
        predictions = [classifier_pb2.Prediction(label=label, probability=value) for label, value in known.predictions]
        message.classification.CopyFrom(
            classifier_pb2.Classification(
                verdict=verdict, predictions=predictions, model=model, scope_score=known.scope_score
            )
        )
    if report := answer.report:
        kind = _value(collection_pb2.ReportKind, "REPORT_KIND_", report.kind)
        message.report.CopyFrom(collection_pb2.Report(kind=kind, label=report.label, note=report.note))
    return message


def _label_message(label: Label | None) -> collection_pb2.Label | None:
    if label is None:
        return None
    return collection_pb2.Label(kind=_value(collection_pb2.LabelKind, "LABEL_KIND_", label.kind), name=label.name)


def _value(enum: Any, prefix: str, member: str) -> Any:
    return enum.Value(f"{prefix}{member.upper()}")


def timestamp(moment: datetime | None) -> Timestamp | None:
    """Returns the message of a time."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message
