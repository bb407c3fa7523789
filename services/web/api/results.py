"""Answers of the classifier as results of the REST API. These functions do no input or output."""

from collections.abc import Sequence
from typing import NamedTuple

from verger.v1 import classifier_pb2, model_pb2

from engine.contract import display_name
from engine.errors import VergerError
from services.common.verdicts import verdict_name
from services.web.api.schemas import Evidence, FileResult, Prediction, Timings
from services.web.problems import problem_of
from services.web.uploads.forms import Upload

SHARE_DECIMALS = 4
"""Decimals of probabilities and of figures: more than their calibration can promise."""

COUNTS = ("images", "negatives")
"""First words of test figures that are numbers of pictures."""

TIME_DECIMALS = 2
"""Decimals of times in milliseconds."""


class Shown(NamedTuple):
    """What the results of a request shall contain."""

    language: str
    """Language of the names of classes (BCP 47)."""

    evidence: bool
    """Whether to show evidence maps."""

    timings: bool
    """Whether to show how long each step took."""


def result_of(
    upload: Upload, response: classifier_pb2.ClassifyResponse, classes: Sequence[model_pb2.ClassInfo], shown: Shown
) -> FileResult:
    """Returns the verdict on one photo; `classes` are those of the version that answered."""
    answer = response.classification
    is_recognised = answer.verdict == classifier_pb2.VERDICT_RECOGNISED
    label = answer.predictions[0].label if is_recognised else None
    result = FileResult(
        filename=upload.filename,
        verdict=verdict_name(answer.verdict),
        label=label,
        display_name=next((display_name(info, shown.language) for info in classes if info.label == label), label),
        predictions=[
            Prediction(label=item.label, probability=round(item.probability, SHARE_DECIMALS))
            for item in answer.predictions
        ],
        error=None,
    )
    if shown.evidence:
        result["evidence"] = _evidence(answer.evidence) if answer.HasField("evidence") else None
    if shown.timings:
        result["timings"] = _timings(response.timings)
    return result


def failure_of(upload: Upload, error: VergerError, shown: Shown) -> FileResult:
    """Returns the result of a photo that has no verdict."""
    result = FileResult(
        filename=upload.filename, verdict=None, label=None, display_name=None, predictions=[], error=problem_of(error)
    )
    if shown.evidence:
        result["evidence"] = None
    if shown.timings:
        result["timings"] = None
    return result


def _evidence(grid: classifier_pb2.EvidenceMap) -> Evidence:
    cells, width = list(grid.strength), grid.width
    rows = [cells[start : start + width] for start in range(0, len(cells), width)]
    return Evidence(height=grid.height, width=width, strength=rows)


def _timings(timings: classifier_pb2.Timings) -> Timings:
    return Timings(
        decode_queue_ms=round(timings.decode_queue_ms, TIME_DECIMALS),
        decode_ms=round(timings.decode_ms, TIME_DECIMALS),
        compute_queue_ms=round(timings.compute_queue_ms, TIME_DECIMALS),
        compute_ms=round(timings.compute_ms, TIME_DECIMALS),
    )


def figure_of(name: str, value: float) -> int | float:
    """Returns a test figure as it is meant: counts whole, shares rounded."""
    return int(value) if name.partition(".")[0] in COUNTS else round(value, SHARE_DECIMALS)
