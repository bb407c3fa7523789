"""Figures of an evaluation, as plain data. Imports the standard library only, as registry commands show them too."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class ClassFigures:
    """Figures of one class."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class ReliabilityBin:
    """Pictures of about the same highest probability. For a calibrated model, `right` equals `probability`."""

    probability: float
    right: float
    images: int


@dataclass(frozen=True)
class Mistake:
    """A picture whose most probable class is not its own."""

    file: str
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class NegativeFigures:
    """How well a group of negatives is separated from the test pictures."""

    group: str
    images: int
    auroc: float
    """Area under the ROC curve of the scope score: 0.5 is chance, 1 is perfect."""
    refused_share: float
    """Share with the verdict OUT_OF_SCOPE."""


@dataclass(frozen=True)
class PartFigures:
    """Figures of the pictures of one collection, or of a part of it that file names tell apart."""

    part: str
    is_elsewhere: bool
    """Whether the collection is another one than that of the training pictures."""
    images: int
    unsure: int
    """Number of pictures with the verdict UNSURE."""
    refused: int
    """Number of pictures with the verdict OUT_OF_SCOPE."""
    expected_calibration_error: float
    wrong: Sequence[str]
    """Files whose most probable class is not their own."""

    @property
    def accuracy(self) -> float:
        """Share of right answers, 0 to 1."""
        return 1 - len(self.wrong) / self.images


@dataclass(frozen=True)
class Evaluation:
    """Figures of a set of pictures. Shares are 0 to 1."""

    images: int
    accuracy: float
    macro_f1: float
    expected_calibration_error: float
    unsure_share: float
    refused_share: float
    classes: Sequence[ClassFigures]
    confusion: Sequence[Sequence[int]]
    """Counts of the most probable class, whatever the verdict. Rows are true classes, columns predicted ones, in the
    order of `classes`."""
    reliability: Sequence[ReliabilityBin]
    mistakes: Sequence[Mistake]
    """Most confident first."""
    negatives: Sequence[NegativeFigures] = field(default_factory=list)
    answers: Sequence[Sequence[int]] = field(default_factory=list)
    """Counts of the answers that serving would give. Rows are true classes and, where there are negatives, a last row
    for them; columns are the classes that were recognised, then UNSURE, then OUT_OF_SCOPE. Older versions have none."""
    parts: Sequence[PartFigures] = field(default_factory=list)
    """Parts of the pictures that the figures above are about, and of pictures from elsewhere."""
    arithmetic: str = ""
    """Whether the version computes in 8-bit integers or in float, and why: a sentence for people. Older versions have
    none."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of the JSON file."""
        return asdict(self)

    def summary(self) -> dict[str, float]:
        """Returns the figures that go into the contract and MLflow."""
        names = ("accuracy", "macro_f1", "expected_calibration_error", "unsure_share", "refused_share", "images")
        found = {name: float(getattr(self, name)) for name in names}
        for part in self.parts:
            if part.is_elsewhere:
                found |= {f"accuracy.{part.part}": part.accuracy, f"images.{part.part}": float(part.images)}
        for figures in self.negatives:
            found |= {f"auroc.{figures.group}": figures.auroc, f"refused_share.{figures.group}": figures.refused_share}
            found |= {f"negatives.{figures.group}": float(figures.images)}
        return found

    def write(self, path: Path) -> None:
        """Writes a JSON file."""
        path.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads what `write` wrote. Raises OSError, ValueError or TypeError when the file is missing or malformed."""
        content = json.loads(path.read_text(encoding="utf-8"))
        content["classes"] = [ClassFigures(**item) for item in content["classes"]]
        content["reliability"] = [ReliabilityBin(**item) for item in content["reliability"]]
        content["negatives"] = [NegativeFigures(**item) for item in content["negatives"]]
        content["mistakes"] = [Mistake(**item) for item in content["mistakes"]]
        content["parts"] = [PartFigures(**item) for item in content.get("parts", [])]  # older versions have none
        return cls(**content)

    def confusions(self) -> list[tuple[int, str, str]]:
        """Returns (count, true label, predicted label) of each kind of mistake, most frequent first."""
        labels = [figures.label for figures in self.classes]
        pairs = [
            (count, true, predicted)
            for true, row in zip(labels, self.confusion, strict=True)
            for predicted, count in zip(labels, row, strict=True)
            if count and true != predicted
        ]
        return sorted(pairs, key=lambda pair: (-pair[0], pair[1:]))
