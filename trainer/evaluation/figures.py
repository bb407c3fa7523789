"""The figures of an evaluation. Plain data, light: the registry's commands show them without any training library."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class ClassFigures:
    """How one class fared."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class ReliabilityBin:
    """Pictures of about the same best probability. An honest model is right as often as it says."""

    probability: float
    right: float
    images: int


@dataclass(frozen=True)
class Mistake:
    """A picture that was given another class than its own."""

    file: str
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class NegativeFigures:
    """How well a group of pictures of none of the classes was told from the test pictures."""

    group: str
    images: int
    auroc: float
    """Area under the ROC curve of the scope score: 0.5 guesses, 1 is perfect."""
    refused_share: float
    """Share that was called out of scope."""


@dataclass(frozen=True)
class Evaluation:
    """Figures over a set of pictures. Shares are 0 to 1."""

    images: int
    accuracy: float
    macro_f1: float
    expected_calibration_error: float
    unsure_share: float
    refused_share: float
    classes: Sequence[ClassFigures]
    confusion: Sequence[Sequence[int]]
    """Counts; rows are true classes, columns predicted ones, in the order of `classes`."""
    reliability: Sequence[ReliabilityBin]
    mistakes: Sequence[Mistake]
    """Most confident first."""
    negatives: Sequence[NegativeFigures] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As in the JSON file."""
        return asdict(self)

    def summary(self) -> dict[str, float]:
        """The figures that a contract and MLflow hold."""
        names = ("accuracy", "macro_f1", "expected_calibration_error", "unsure_share", "refused_share", "images")
        groups = {f"auroc.{figures.group}": figures.auroc for figures in self.negatives}
        return {**{name: float(getattr(self, name)) for name in names}, **groups}

    def write(self, path: Path) -> None:
        """Writes the JSON file that `read` reads."""
        path.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises OSError, ValueError or TypeError when the file is missing or something else."""
        content = json.loads(path.read_text(encoding="utf-8"))
        content["classes"] = [ClassFigures(**item) for item in content["classes"]]
        content["reliability"] = [ReliabilityBin(**item) for item in content["reliability"]]
        content["negatives"] = [NegativeFigures(**item) for item in content["negatives"]]
        content["mistakes"] = [Mistake(**item) for item in content["mistakes"]]
        return cls(**content)

    def confusions(self) -> list[tuple[int, str, str]]:
        """How often each class was taken for which other: (count, true label, predicted label), most frequent first."""
        labels = [figures.label for figures in self.classes]
        pairs = [
            (count, true, predicted)
            for true, row in zip(labels, self.confusion, strict=True)
            for predicted, count in zip(labels, row, strict=True)
            if count and true != predicted
        ]
        return sorted(pairs, key=lambda pair: (-pair[0], pair[1:]))
