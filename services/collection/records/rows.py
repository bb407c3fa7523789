"""Turns rows into facts and back."""

from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.dialects import postgresql, sqlite

from services.collection.facts import (
    Answer,
    Classification,
    Label,
    LabelKind,
    Photo,
    Prediction,
    Report,
    ReportKind,
    Source,
    margin_of,
)


def label_of(kind: str | None, name: str | None) -> Label | None:
    """Returns the label in two columns; None where both are null."""
    return Label(LabelKind(kind), name or "") if kind else None


def label_values(label: Label | None, prefix: str = "") -> dict[str, Any]:
    """Returns the columns of a label, whose names begin with the prefix; LABELS has such pairs."""
    kind, name = (label.kind.value, label.name) if label else (None, None)
    return {f"{prefix}kind": kind, f"{prefix}label": name}


def photo_of(row: Row[Any]) -> Photo:
    """Returns the photo in a row of PHOTOS, without its answers."""
    return Photo(
        id=row.id,
        classifier=row.classifier,
        digest=row.digest,
        width=row.width,
        height=row.height,
        size_bytes=row.size_bytes,
        source=Source(row.source),
        received_at=row.received_at,
        label=label_of(row.label_kind, row.label),
        revision=row.revision,
        labelled_by=row.labelled_by,
        labelled_at=row.labelled_at,
        group=row.look_group,
        rank=row.rank,
        doubt=row.doubt,
    )


def answer_of(row: Row[Any]) -> Answer:
    """Returns the answer in a row of ANSWERS."""
    classification = None
    if row.model_version is not None:
        predictions = [Prediction(label, probability) for label, probability in row.predictions]
        classification = Classification(row.model_version, row.verdict, predictions, row.scope_score)
    report = Report(ReportKind(row.report), row.report_label or "", row.note or "") if row.report else None
    return Answer(row.request_id, Source(row.source), classification, report, row.kept_at, row.reported_at)


def classification_values(classification: Classification | None) -> dict[str, Any]:
    """Returns the columns of ANSWERS that hold a classification; none of them if it is not known."""
    if classification is None:
        return {}
    return {
        "model_version": classification.model_version,
        "verdict": classification.verdict,
        "predictions": [list(prediction) for prediction in classification.predictions],
        "scope_score": classification.scope_score,
    }


def newest_values(classification: Classification) -> dict[str, Any]:
    """Returns the columns of PHOTOS that hold its newest answer."""
    return {
        "verdict": classification.verdict,
        "predicted": classification.predictions[0].label,
        "model_version": classification.model_version,
        "margin": margin_of(classification.predictions),
    }


def report_values(report: Report | None) -> dict[str, Any]:
    """Returns the columns of ANSWERS that hold a report; none of them if nobody said anything."""
    return {"report": report.kind.value, "report_label": report.label, "note": report.note} if report else {}


def insert_of(connection: Connection) -> Any:
    """Returns the INSERT of this database that can do something else if there is such a row: both have it alike."""
    return sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
