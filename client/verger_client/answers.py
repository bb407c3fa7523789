"""What the client returns. All of it is plain and immutable data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from verger_client.errors import VergerError


class Verdict(str, Enum):
    """Whether a photo shows one of the classes."""

    RECOGNISED = "RECOGNISED"
    """It shows the class of the first prediction."""

    UNSURE = "UNSURE"
    """It seems to show one of the classes, but the model can't tell which."""

    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    """It shows none of the classes."""


@dataclass(frozen=True)
class Prediction:
    """A class and its calibrated probability, 0 to 1."""

    label: str
    probability: float


@dataclass(frozen=True)
class Evidence:
    """Which parts of the upright photo speak for the first prediction, as a grid of cells."""

    height: int
    width: int
    strength: bytes
    """One byte a cell, row by row from the top left; 255 is the strongest evidence, 0 none. height * width bytes."""


@dataclass(frozen=True)
class Answer:
    """What a photo shows."""

    verdict: Verdict
    predictions: Sequence[Prediction]
    """The most probable first."""

    model: str
    """Registered name of the model."""

    version: str
    """The version that answered."""

    request_id: str
    """Stands in the server's logs, too."""

    timings_ms: Mapping[str, float] = field(default_factory=dict)
    """Time in each step on the server: decode_queue, decode, compute_queue and compute, in milliseconds."""

    evidence: Evidence | None = None
    """Only where it was asked for and the model offers it."""

    @property
    def label(self) -> str | None:
        """The class that the photo shows; None unless the verdict is RECOGNISED."""
        return self.predictions[0].label if self.verdict is Verdict.RECOGNISED else None


@dataclass(frozen=True)
class Result:
    """The outcome for one of several photos: an answer or an error."""

    photo: Any
    """The very object that was given."""

    answer: Answer | None = None
    error: VergerError | None = None

    def get(self) -> Answer:
        """Returns the answer, or raises the error."""
        if self.answer is None:
            raise self.error or VergerError("There is neither an answer nor an error.")
        return self.answer


@dataclass(frozen=True)
class ModelClass:
    """A class of the model: its stable label, and its names for people by language."""

    label: str
    display_names: Mapping[str, str]


@dataclass(frozen=True)
class Description:
    """The live version and the photos that are accepted."""

    model: str
    version: str
    classes: Sequence[ModelClass]
    max_bytes: int
    max_pixels: int
    media_types: Sequence[str]
    few_pictures: bool
    """Whether the version learned from so few pictures that its answers may be wrong. Tell your users so."""

    test_metrics: Mapping[str, float]
    """Figures on pictures that the version did not learn from, by name, such as "accuracy" (0 to 1)."""
