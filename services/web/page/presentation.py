"""What the page shows, as plain values ready for the templates. Pure; language is the only choice made here."""

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from verger.v1 import classifier_pb2, model_pb2

from engine.contract import display_name
from engine.errors import VergerError
from services.web.page.languages import Catalog
from services.web.page.overlay import Fog, fog_over
from services.web.problems import status_of

VerdictName = Literal["RECOGNISED", "UNSURE", "OUT_OF_SCOPE"]

TOP = 5
"""Predictions that are drawn as bars."""

MAX_EMBEDDED_BYTES = 2 * 2**20
"""A larger photo is not sent back inside the page."""

# What every browser can show, by the bytes at the start (offset, signature).
_SHOWABLE = {
    "image/jpeg": (0, b"\xff\xd8\xff"),
    "image/png": (0, b"\x89PNG\r\n\x1a\n"),
    "image/gif": (0, b"GIF8"),
    "image/webp": (8, b"WEBP"),
    "image/bmp": (0, b"BM"),
    "image/avif": (4, b"ftypavif"),
}


@dataclass(frozen=True)
class ClassView:
    """One class as people read it."""

    label: str
    name: str


@dataclass(frozen=True)
class ModelView:
    """The model behind the page."""

    name: str
    version: str
    classes: Sequence[ClassView]
    class_names: str
    accuracy: str | None
    refused_version: str | None
    media_types: Sequence[str]
    formats: str


@dataclass(frozen=True)
class Bar:
    """One prediction, drawn as a bar. share: 0 to 1."""

    name: str
    share: float
    percent: str


@dataclass(frozen=True)
class AnswerView:
    """One answer in plain words. tone: "recognised", "unsure" or "out_of_scope"; fog: what to draw over the photo."""

    tone: str
    headline: str
    explanation: str
    bars: Sequence[Bar]
    model: str
    timing: str
    fog: Fog | None
    photo: str | None = None


@dataclass(frozen=True)
class ErrorView:
    """One error in plain words."""

    title: str
    text: str
    reason: str
    status: int


def view_model(description: classifier_pb2.DescribeClassifierResponse, t: Catalog) -> ModelView:
    """Describes the live model, and the formats of photos that are accepted."""
    model, media_types = description.model, description.limits.media_types
    classes = [ClassView(info.label, display_name(info, t.tag)) for info in model.contract.classes]
    accuracy = model.contract.provenance.test_metrics.get("accuracy")
    return ModelView(
        name=model.ref.name,
        version=model.ref.version,
        classes=classes,
        class_names=enumeration([item.name for item in classes], t),
        accuracy=None if accuracy is None else t.percent(accuracy),
        refused_version=model.refusal.ref.version if model.HasField("refusal") else None,
        media_types=list(media_types),
        formats=", ".join(item.removeprefix("image/").upper() for item in media_types),
    )


def view_answer(
    response: classifier_pb2.ClassifyResponse, classes: Sequence[model_pb2.ClassInfo], t: Catalog, total_ms: float
) -> AnswerView:
    """Puts an answer into words. classes: all of the model; total_ms: from the complete upload to the answer."""
    answer, timings = response.classification, response.timings
    names = {info.label: display_name(info, t.tag) for info in classes}
    bars = [
        Bar(names.get(item.label, item.label), item.probability, t.percent(item.probability))
        for item in answer.predictions[:TOP]
    ]
    tone = verdict_name(answer.verdict).lower()
    words = {
        "name": _capitalised(bars[0].name),
        "first": bars[0].name,
        "second": bars[1].name if len(bars) > 1 else "",
        "certainty": t.certainty(bars[0].share),
        "count": len(classes),
        "names": enumeration(list(names.values()), t),
    }
    return AnswerView(
        tone=tone,
        headline=t(f"answer.{tone}.headline", **words),
        explanation=_capitalised(t(f"answer.{tone}.explanation", **words)),
        bars=bars,
        model=t("answer.model", name=answer.model.name, version=answer.model.version),
        timing=t(
            "answer.timing",
            total=t.duration(total_ms),
            decode=t.duration(timings.decode_ms),
            compute=t.duration(timings.compute_ms),
        ),
        # Nothing speaks for "none of them".
        fog=None if answer.verdict == classifier_pb2.VERDICT_OUT_OF_SCOPE else fog_over(answer.evidence),
    )


def view_error(error: VergerError, t: Catalog, *, max_size: str, max_files: int) -> ErrorView:
    """Puts an error into words; a reason without words of its own gets those of INTERNAL."""
    reason = error.reason if error.reason in t.texts["errors"] else "INTERNAL"
    values = {"max_size": max_size, "max_files": max_files}
    return ErrorView(
        title=t(f"errors.{reason}.title", **values),
        text=t(f"errors.{reason}.text", **values),
        reason=error.reason,
        status=status_of(error),
    )


def verdict_name(verdict: classifier_pb2.Verdict) -> VerdictName:
    """The verdict as people and the REST API call it."""
    return cast(VerdictName, classifier_pb2.Verdict.Name(verdict).removeprefix("VERDICT_"))


def enumeration(names: Sequence[str], t: Catalog) -> str:
    """ "apple, banana and cherry", as the language puts it."""
    if len(names) < 2:
        return "".join(names)
    return t("list", most=", ".join(names[:-1]), last=names[-1])


def samples_for(classes: Collection[ClassView], available: Collection[str]) -> list[ClassView]:
    """The classes that a sample picture exists for: a model of other classes offers none."""
    return [item for item in classes if item.label in available]


def embeddable(photo: bytes) -> str | None:
    """The photo as a data: URI, where browsers can show it and it is small enough."""
    if len(photo) > MAX_EMBEDDED_BYTES:
        return None
    for media_type, (offset, signature) in _SHOWABLE.items():
        if photo.startswith(signature, offset):
            return f"data:{media_type};base64,{base64.b64encode(photo).decode()}"
    return None


def _capitalised(name: str) -> str:
    return name[:1].upper() + name[1:]
