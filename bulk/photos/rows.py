"""The rows of results, as Arrow tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from verger.v1 import classifier_pb2

SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        ("size", pa.int64()),
        ("sha256", pa.string()),
        ("verdict", pa.string()),
        ("label", pa.string()),
        pa.field("labels", pa.list_(pa.string()), nullable=False),
        pa.field("probabilities", pa.list_(pa.float32()), nullable=False),
        ("scope_score", pa.float32()),
        ("error", pa.string()),
        ("message", pa.string()),
        pa.field("model", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("contract_digest", pa.string(), nullable=False),
    ]
)
"""The columns of results; docs/bulk.md explains them. A photo has either a verdict or an error."""


@dataclass(frozen=True)
class Model:
    """Which version answered."""

    name: str
    version: str
    """Number in the registry; empty where no registry gave one."""
    contract_digest: str
    """SHA-256 of contract.json in lower-case hexadecimal."""


@dataclass(frozen=True)
class Problem:
    """Why a photo has no verdict: a reason of the API, and a sentence for people."""

    reason: str
    message: str


@dataclass(frozen=True)
class Row:
    """What is known of one photo."""

    path: str
    outcome: classifier_pb2.Classification | Problem
    size: int | None = None
    """Bytes of the file; None where they are not known."""
    sha256: str | None = None
    """Digest of the file in lower-case hexadecimal; None where it was not read."""


def display_path(name: bytes) -> str:
    """Returns the name of a photo as text. Bytes that are not UTF-8 become escapes such as \\xff."""
    return name.decode("utf-8", "backslashreplace")


def table_of(rows: Sequence[Row], model: Model) -> pa.Table:
    """Returns a table of SCHEMA."""
    answers = [row.outcome if isinstance(row.outcome, classifier_pb2.Classification) else None for row in rows]
    problems = [row.outcome if isinstance(row.outcome, Problem) else None for row in rows]
    columns = {
        "path": [row.path for row in rows],
        "size": [row.size for row in rows],
        "sha256": [row.sha256 for row in rows],
        "verdict": [answer and _verdict(answer) for answer in answers],
        "label": [answer and _label(answer) for answer in answers],
        "labels": [[item.label for item in answer.predictions] if answer else [] for answer in answers],
        "probabilities": [[item.probability for item in answer.predictions] if answer else [] for answer in answers],
        "scope_score": [answer and answer.scope_score for answer in answers],
        "error": [problem and problem.reason for problem in problems],
        "message": [problem and problem.message for problem in problems],
        "model": [model.name] * len(rows),
        "version": [model.version] * len(rows),
        "contract_digest": [model.contract_digest] * len(rows),
    }
    return pa.Table.from_pydict(columns, schema=SCHEMA)


def _verdict(answer: classifier_pb2.Classification) -> str:
    return str(classifier_pb2.Verdict.Name(answer.verdict)).removeprefix("VERDICT_")


def _label(answer: classifier_pb2.Classification) -> str | None:
    """The class that the photo shows; None unless it is recognised."""
    recognised = answer.verdict == classifier_pb2.VERDICT_RECOGNISED
    return answer.predictions[0].label if recognised else None
