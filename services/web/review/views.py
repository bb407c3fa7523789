"""What the page for reviewers shows, as plain values for templates and for its script. No input or output."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

from verger.v1 import classifier_pb2, collection_pb2, model_pb2

from engine.contract import display_name
from services.common.verdicts import verdict_name
from services.web.page.languages import Catalog
from services.web.page.presentation import AnswerView, view_answer
from services.web.review.search import CLASS, DISCARDED, NONE, ORDERS, REPORTS, SOURCES, STATES, VERDICTS, label_text

NONE_KEY, DISCARD_KEY = "n", "x"

RESERVED_KEYS = frozenset({NONE_KEY, DISCARD_KEY, "a", "e", "g", "s", "u", "y", "z"})
"""Letters that do something else than naming a class; see the help of the page."""

_NOBODY = "somebody"
"""How the collection names a reviewer without a name."""

CLASS_KEYS = "1234567890" + "".join(letter for letter in ascii_lowercase if letter not in RESERVED_KEYS)


@dataclass(frozen=True)
class Choice:
    """A label that photos may get: as a form names it, in the visitor's language, and its key; "" if none is left."""

    value: str
    name: str
    key: str


@dataclass(frozen=True)
class Report:
    """What a person says of an answer: as a sentence, in a few words, and in their own."""

    text: str
    brief: str
    note: str


@dataclass(frozen=True)
class GivenAnswer:
    """An answer that a photo got. view: None where it is not known."""

    at: str
    view: AnswerView | None
    report: Report | None


@dataclass(frozen=True)
class Change:
    """A change of a label. label: in the visitor's language."""

    at: str
    by: str
    label: str


@dataclass(frozen=True)
class PhotoView:
    """One photo in large. answers: newest first; history: newest first."""

    id: str
    revision: int
    label: str
    facts: str
    group_size: int
    answers: Sequence[GivenAnswer]
    history: Sequence[Change]


class Words:
    """Names classes and labels in the visitor's language."""

    def __init__(self, classes: Sequence[model_pb2.ClassInfo], t: Catalog) -> None:
        """classes: those of the live version; others are named by their labels."""
        self.classes, self.t = classes, t
        self._names = {info.label: display_name(info, t.tag) for info in classes}

    def options(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Returns the values of each field of the search that has a choice of them, each with its name."""
        named = {
            field: [(value, self.t(f"review.{field}s.{value}")) for value in values]
            for field, values in (("order", ORDERS), ("state", STATES), ("verdict", VERDICTS), ("source", SOURCES))
        }
        said = [(value, self.t(f"review.said.{value}")) for value in REPORTS]
        labels = [(choice.value, choice.name) for choice in self.choices()]
        return named | {"report": said, "label": labels, "predicted": list(self._names.items())}

    def choices(self) -> list[Choice]:
        """Returns all labels, with their keys."""
        keys = CLASS_KEYS + " " * len(self._names)
        named = [
            Choice(f"{CLASS}{label}", name, key) for (label, name), key in zip(self._names.items(), keys, strict=False)
        ]
        rest = [(NONE, NONE_KEY), (DISCARDED, DISCARD_KEY)]
        return [*named, *(Choice(value, self.label(value), key) for value, key in rest)]

    def label(self, value: str) -> str:
        """Returns the name of a label; an empty text for an empty one."""
        if not value.startswith(CLASS):
            return self.t(f"review.labels.{value}") if value else ""
        name = value.removeprefix(CLASS)
        return self._names.get(name, name)

    def answer(self, answer: classifier_pb2.Classification) -> str:
        """Returns an answer in a few words."""
        first = answer.predictions[0]
        verdict = verdict_name(answer.verdict).lower()
        certainty = self.t.percent(first.probability)
        return self.t(f"review.answers.{verdict}", name=self._names.get(first.label, first.label), certainty=certainty)

    def report(self, report: collection_pb2.Report) -> Report:
        """Returns what a person says."""
        kind = next(name for name, value in REPORTS.items() if value == report.kind)
        name = self._names.get(report.label, report.label)
        text, brief = (self.t(f"review.{form}.{kind}", name=name) for form in ("reports", "briefly"))
        return Report(text, brief, report.note)


def item_of(photo: collection_pb2.Photo, words: Words) -> dict[str, Any]:
    """Returns what the gallery needs of a photo, for JSON and for templates."""
    answer, report = _newest(photo)
    return {
        "id": photo.photo_id,
        "revision": photo.revision,
        "group": photo.group_id,
        "size": photo.group_size,
        "tone": verdict_name(answer.verdict).lower() if answer else "",
        "answer": words.answer(answer) if answer else words.t("review.no_answer"),
        "report": words.report(report).brief if report else "",
        "suggestion": _suggestion(answer, report),
        **label_fields(photo.label, photo.labelled_by, words),
    }


def label_fields(label: collection_pb2.Label, by: str, words: Words) -> dict[str, str]:
    """Returns what the gallery needs of a label."""
    value = label_text(label)
    return {"label": value, "name": words.label(value), "by": _person(by)}


def outcome_of(
    outcome: collection_pb2.LabelPhotosResponse | collection_pb2.UndoLabelsResponse, words: Words
) -> dict[str, Any]:
    """Returns what became of a decision, for JSON and for templates."""
    return {
        "changed": [{"id": seen.photo_id, "revision": seen.revision} for seen in outcome.changed],
        "conflicts": [
            {
                "id": conflict.photo_id,
                "revision": conflict.revision,
                "deleted": conflict.is_deleted,
                **label_fields(conflict.label, conflict.labelled_by, words),
            }
            for conflict in outcome.conflicts
        ],
    }


def view_photo(got: collection_pb2.GetPhotoResponse, words: Words) -> PhotoView:
    """Describes one photo."""
    photo, t = got.photo, words.t
    source = next(name for name, value in SOURCES.items() if value == photo.source)
    facts = t(
        "review.facts",
        source=t(f"review.sources.{source}"),
        when=_time(photo.received_at),
        width=photo.width,
        height=photo.height,
    )
    return PhotoView(
        id=photo.photo_id,
        revision=photo.revision,
        label=words.label(label_text(photo.label)),
        facts=facts,
        group_size=photo.group_size,
        answers=[_given(answer, words) for answer in reversed(photo.answers)],
        history=[_change(change, words) for change in reversed(got.history)],
    )


def _given(answer: collection_pb2.PhotoAnswer, words: Words) -> GivenAnswer:
    view = None
    if answer.HasField("classification"):
        response = classifier_pb2.ClassifyResponse(classification=answer.classification)
        view = view_answer(response, words.classes, words.t, 0)
    report = words.report(answer.report) if answer.HasField("report") else None
    return GivenAnswer(_time(answer.kept_at), view, report)


def _change(change: collection_pb2.LabelChange, words: Words) -> Change:
    by = _person(change.changed_by) or words.t("review.somebody")
    return Change(_time(change.changed_at), by, words.label(label_text(change.label)) or "–")


def _newest(photo: collection_pb2.Photo) -> tuple[classifier_pb2.Classification | None, collection_pb2.Report | None]:
    """Returns the newest answer that is known, and the newest report."""
    known = [answer.classification for answer in photo.answers if answer.HasField("classification")]
    reported = [answer for answer in photo.answers if answer.HasField("report")]
    newest = max(reported, key=lambda answer: answer.reported_at.ToNanoseconds(), default=None)
    return known[-1] if known else None, newest.report if newest else None


def _suggestion(answer: classifier_pb2.Classification | None, report: collection_pb2.Report | None) -> str:
    """Returns the label that a photo probably gets: what a person says, else what was answered; "" if nobody knows."""
    if report and report.kind == collection_pb2.REPORT_KIND_CLASS:
        return f"{CLASS}{report.label}"
    if report and report.kind == collection_pb2.REPORT_KIND_NONE:
        return NONE
    if answer is None or (report and report.kind == collection_pb2.REPORT_KIND_OTHER):
        return ""
    return NONE if answer.verdict == classifier_pb2.VERDICT_OUT_OF_SCOPE else f"{CLASS}{answer.predictions[0].label}"


def _person(name: str) -> str:
    return "" if name == _NOBODY else name


def _time(moment: Any) -> str:
    return f"{moment.ToDatetime():%Y-%m-%d %H:%M}"
