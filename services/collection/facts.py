"""What the collection knows of photos. No clock, no database, no wire.

A label is what a photo counts as in training. Reviewers decide it, each time with the revision that they saw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Source(StrEnum):
    """Where a photo comes from."""

    PAGE = "page"
    REST = "rest"
    GRPC = "grpc"
    IMPORT = "import"


class ReportKind(StrEnum):
    """What a person says of an answer."""

    RIGHT = "right"
    CLASS = "class"
    NONE = "none"
    OTHER = "other"


class LabelKind(StrEnum):
    """What a photo counts as in training."""

    CLASS = "class"
    NONE = "none"
    DISCARDED = "discarded"


class Label(NamedTuple):
    """A label; `name` is the class, and empty for the other kinds."""

    kind: LabelKind
    name: str = ""


class Report(NamedTuple):
    """What a person says of an answer; `label` is the class that the photo shows if they name one."""

    kind: ReportKind
    label: str = ""
    note: str = ""


class Prediction(NamedTuple):
    """A class with its calibrated probability."""

    label: str
    probability: float


@dataclass(frozen=True)
class Classification:
    """What a version of the model answered. `verdict` is verger.v1.Verdict's name without its prefix, in lower case."""

    model_version: str
    verdict: str
    predictions: Sequence[Prediction]
    scope_score: float


@dataclass(frozen=True)
class Answer:
    """An answer that a photo got, as far as it is known, and what a person says of it."""

    request_id: str
    source: Source
    classification: Classification | None = None
    report: Report | None = None
    kept_at: datetime | None = None
    reported_at: datetime | None = None


@dataclass(frozen=True)
class NewPhoto:
    """A photo to keep, without its bytes."""

    classifier: str
    sent_digest: str
    """SHA-256 of the bytes that were sent, in hexadecimal digits."""

    answer: Answer
    features: bytes = b""


@dataclass(frozen=True)
class Photo:
    """What is known of a photo that is kept."""

    id: str
    classifier: str
    digest: str
    width: int
    height: int
    size_bytes: int
    source: Source
    received_at: datetime
    label: Label | None
    revision: int
    labelled_by: str
    labelled_at: datetime | None
    group: str = ""
    """Names the photos that look alike."""

    group_size: int = 1
    rank: float = 0.0
    """Where its group stands among useful ones, 0 to 1; 0 is the most useful."""

    doubt: float | None = None
    """How surely the newest answer contradicts the label, 0 to 1; None where it does not."""

    answers: Sequence[Answer] = ()


@dataclass(frozen=True)
class LabelChange:
    """A change of a label; `label` is None where it was taken away."""

    decision: str
    revision: int
    label: Label | None
    changed_by: str
    changed_at: datetime


class Seen(NamedTuple):
    """A photo as a reviewer saw it, or as it is now."""

    photo: str
    revision: int


class Conflict(NamedTuple):
    """A photo that was changed since, as it is now."""

    photo: str
    is_deleted: bool = False
    label: Label | None = None
    revision: int = 0
    labelled_by: str = ""


class Outcome(NamedTuple):
    """What became of a decision."""

    changed: Sequence[Seen]
    conflicts: Sequence[Conflict]


@dataclass(frozen=True)
class Filter:
    """Which photos to list. None means any."""

    verdict: str | None = None
    predicted: str | None = None
    model_version: str | None = None
    source: Source | None = None
    received_from: datetime | None = None
    received_before: datetime | None = None
    is_labelled: bool | None = None
    label: Label | None = None
    report: ReportKind | None = None
    text: str | None = None
    request_id: str | None = None
    group: str | None = None


class Order(StrEnum):
    """The order of a list of photos; verger.v1.PhotoOrder explains it."""

    NEWEST = "newest"
    USEFUL = "useful"
    DOUBTFUL = "doubtful"


def margin_of(predictions: Sequence[Prediction]) -> float:
    """Returns how far the first prediction, of one or more, is ahead of the second: 0 to 1."""
    ranked = sorted((prediction.probability for prediction in predictions), reverse=True)
    return ranked[0] - (ranked[1] if len(ranked) > 1 else 0.0)


def rank_of(margin: float | None, report: ReportKind | None) -> float:
    """Returns where a photo stands among useful ones, 0 to 1, by the margin of its newest answer and its newest report.

    A photo whose answer is said to be wrong comes first, as does one whose answer is not known.
    """
    is_called_wrong = report in (ReportKind.CLASS, ReportKind.NONE, ReportKind.OTHER)
    return 0.0 if margin is None or is_called_wrong else margin


_REFUSED = "out_of_scope"

_REFUSAL_DOUBT = 0.5
"""Doubt where a photo of a class was refused: the margin between classes means nothing then."""


def doubt_of(label: Label | None, verdict: str | None, predicted: str | None, margin: float | None) -> float | None:
    """Returns how surely an answer contradicts a label, 0 to 1; None where it does not, or there is no such thing."""
    if label is None or verdict is None or margin is None or label.kind is LabelKind.DISCARDED:
        return None
    if verdict == _REFUSED:
        return None if label.kind is LabelKind.NONE else _REFUSAL_DOUBT
    return None if label.name == predicted else margin
