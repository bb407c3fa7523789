"""What the page shows, as plain values for the templates. These functions do no input or output."""

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from verger.v1 import classifier_pb2, model_pb2

from engine.contract import display_name
from engine.errors import VergerError
from services.common.errors import ModelNotLoaded, NoVersionYet
from services.common.verdicts import verdict_name
from services.web.page.figures import figures_in_words
from services.web.page.languages import Catalog
from services.web.page.overlay import Overlay, overlay_for
from services.web.page.samples import OTHERS
from services.web.problems import status_of
from services.web.uploads.forms import Upload

VERDICTS = ("recognised", "unsure", "out_of_scope")
"""All verdicts in lower case, in the order in which they are explained."""

MAX_BARS = 5
"""Most predictions that an answer shows."""

MAX_EMBEDDED_BYTES = 2 * 2**20
"""Largest photo that an answer contains as a data: URI."""

# Formats that every browser shows: media type, and the offset and value of the file's signature.
_BROWSER_FORMATS = {
    "image/jpeg": (0, b"\xff\xd8\xff"),
    "image/png": (0, b"\x89PNG\r\n\x1a\n"),
    "image/gif": (0, b"GIF8"),
    "image/webp": (8, b"WEBP"),
    "image/bmp": (0, b"BM"),
    "image/avif": (4, b"ftypavif"),
}


@dataclass(frozen=True)
class ClassView:
    """One class: its stable label and its name in the visitor's language."""

    label: str
    name: str


@dataclass(frozen=True)
class ModelView:
    """The live model.

    figures: sentences about its test; none where nothing was measured. few_pictures: whether it learned from so few
    that its answers may be wrong. formats: accepted photo formats, as text.
    """

    name: str
    version: str
    classes: Sequence[ClassView]
    class_names: str
    figures: Sequence[str]
    few_pictures: bool
    refused_version: str | None
    media_types: Sequence[str]
    formats: str


@dataclass(frozen=True)
class Bar:
    """One prediction, drawn as a bar. share: its probability, 0 to 1; percent: None where it would mean nothing."""

    name: str
    share: float
    percent: str | None


@dataclass(frozen=True)
class VerdictView:
    """One of the three verdicts, explained. is_given: whether it is the one of this answer."""

    name: str
    meaning: str
    is_given: bool


@dataclass(frozen=True)
class AnswerView:
    """One answer.

    tone: the verdict in lower case, as the CSS class. label, share: of the first prediction, for tables. evidence: the
    overlay in words. photo: a data: URI.
    """

    tone: str
    label: str
    share: float
    headline: str
    explanation: str
    bars: Sequence[Bar]
    verdicts: Sequence[VerdictView]
    model: str
    timing: str
    overlay: Overlay | None
    evidence: str | None
    photo: str | None = None


@dataclass(frozen=True)
class ErrorView:
    """One error, in the visitor's language. file: the name of the photo that it is about."""

    title: str
    text: str
    reason: str
    status: int
    file: str | None = None


@dataclass(frozen=True)
class SampleView:
    """One sample picture: its key (see samples.py) and what it shows."""

    key: str
    name: str


def view_model(description: classifier_pb2.DescribeClassifierResponse, t: Catalog) -> ModelView:
    """Describes the live model and the accepted photo formats."""
    model, media_types = description.model, description.limits.media_types
    classes = [ClassView(info.label, display_name(info, t.tag)) for info in model.contract.classes]
    origin = model.contract.provenance
    return ModelView(
        name=model.ref.name,
        version=model.ref.version,
        classes=classes,
        class_names=enumeration([item.name for item in classes], t),
        figures=figures_in_words(origin.test_metrics, t),
        few_pictures=origin.few_pictures,
        refused_version=model.refusal.ref.version if model.HasField("refusal") else None,
        media_types=list(media_types),
        formats=", ".join(item.removeprefix("image/").upper() for item in media_types),
    )


def view_answer(
    response: classifier_pb2.ClassifyResponse, classes: Sequence[model_pb2.ClassInfo], t: Catalog, total_ms: float
) -> AnswerView:
    """Describes an answer.

    Args:
        response: the answer, with at least one prediction.
        classes: all classes of the model that answered.
        t: the texts of the visitor's language.
        total_ms: milliseconds from the complete upload to the answer.
    """
    answer = response.classification
    names = {info.label: display_name(info, t.tag) for info in classes}
    ranked = [names.get(item.label, item.label) for item in answer.predictions]
    tone = verdict_name(answer.verdict).lower()
    words = {
        "name": _capitalised(ranked[0]),
        "first": ranked[0],
        "second": ranked[1] if len(ranked) > 1 else "",
        "certainty": t.certainty(answer.predictions[0].probability),
        "count": len(classes),
        "names": enumeration(list(names.values()), t),
    }
    is_out_of_scope = answer.verdict == classifier_pb2.VERDICT_OUT_OF_SCOPE
    overlay = None if is_out_of_scope else overlay_for(answer.evidence)
    return AnswerView(
        tone=tone,
        label=answer.predictions[0].label,
        share=answer.predictions[0].probability,
        headline=t(f"answer.{tone}.headline", **words),
        explanation=t(f"answer.{tone}.explanation", **words),
        bars=_bars(answer, ranked, t),
        verdicts=[
            VerdictView(
                name=t(f"answer.sureness.{verdict}.name"),
                meaning=t(f"answer.sureness.{verdict}.meaning", count=len(classes)),
                is_given=verdict == tone,
            )
            for verdict in VERDICTS
        ],
        model=t("answer.model", name=answer.model.name, version=answer.model.version),
        timing=_timing(response.timings, t, total_ms),
        overlay=overlay,
        evidence=_in_words(overlay, ranked[0], t) if overlay else None,
    )


def _in_words(overlay: Overlay, name: str, t: Catalog) -> str:
    return t("answer.evidence.meaning", name=name, place=t(f"answer.evidence.places.{overlay.place}"))


def _bars(answer: classifier_pb2.Classification, names: Sequence[str], t: Catalog) -> list[Bar]:
    """Returns the bars of the best predictions; out of scope, they say what is closest, and not how sure that is."""
    best = list(zip(names, answer.predictions[:MAX_BARS], strict=False))
    if answer.verdict != classifier_pb2.VERDICT_OUT_OF_SCOPE:
        return [Bar(name, item.probability, t.percent(item.probability)) for name, item in best]
    bars = [Bar(name, item.probability, None) for name, item in best]
    return [replace(bars[0], name=t("answer.closest", name=names[0])), *bars[1:]]


def view_error(
    error: VergerError, t: Catalog, *, max_size: str, max_files: int, upload: Upload | None = None
) -> ErrorView:
    """Describes an error, of this upload if there is one; a reason without texts of its own gets those of INTERNAL."""
    key = error.reason if error.reason in t.texts["errors"] else "INTERNAL"
    values = {"max_size": max_size, "max_files": max_files}
    return ErrorView(
        title=t(f"errors.{key}.title", **values),
        text=t(f"errors.{key}.text", **values),
        reason=error.reason,
        status=status_of(error),
        file=upload.filename if upload else None,
    )


def view_absence(error: VergerError, t: Catalog, now: datetime) -> str:
    """Returns what the page says when no description of a model can be had, because of this error."""
    if error.reason not in (ModelNotLoaded.reason, NoVersionYet.reason) or "since" not in error.metadata:
        return t("page.starting")
    duration = t.age((now - datetime.fromisoformat(error.metadata["since"])).total_seconds())
    if error.reason == ModelNotLoaded.reason:
        return t("page.no_version", duration=duration)
    name, command = error.metadata["model"], error.metadata["train"]
    return t("page.no_version_yet", name=name, duration=duration, command=command)


def enumeration(names: Sequence[str], t: Catalog) -> str:
    """Joins names as the language does: "apple, banana and cherry"."""
    if len(names) < 2:
        return "".join(names)
    return t("list", most=", ".join(names[:-1]), last=names[-1])


def samples_for(classes: Collection[ClassView], available: Collection[str], t: Catalog) -> list[SampleView]:
    """Returns the sample pictures of the model's classes, and if there are any, the others; `available`: their keys."""
    known = [SampleView(item.label, item.name) for item in classes if item.label in available]
    others = [SampleView(f"{OTHERS}/{name}", text) for name, text in t.texts["samples"]["others"].items()]
    return [*known, *others] if known else []


def data_uri(photo: bytes) -> str | None:
    """Returns the photo as a data: URI, or None if it is too large or in a format that not every browser shows."""
    if len(photo) > MAX_EMBEDDED_BYTES:
        return None
    for media_type, (offset, signature) in _BROWSER_FORMATS.items():
        if photo.startswith(signature, offset):
            return f"data:{media_type};base64,{base64.b64encode(photo).decode()}"
    return None


def _timing(timings: classifier_pb2.Timings, t: Catalog, total_ms: float) -> str:
    decode, compute = t.duration(timings.decode_ms), t.duration(timings.compute_ms)
    return t("answer.timing", total=t.duration(total_ms), decode=decode, compute=compute)


def _capitalised(name: str) -> str:
    return name[:1].upper() + name[1:]
