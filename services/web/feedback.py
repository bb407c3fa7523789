"""What people say of answers, for the page and the REST API alike."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from prometheus_client import Counter
from starlette.requests import Request
from verger.v1 import classifier_pb2, collection_pb2

from engine.errors import Unavailable, VergerError
from services.common.rpc.request_ids import MAX_REQUEST_ID_CHARACTERS
from services.web.answering import answer_all
from services.web.collecting import Collector, without_evidence
from services.web.preprocess_client import Wanted
from services.web.problems import FeedbackInvalid, FeedbackOff
from services.web.state import state_of
from services.web.uploads.forms import Upload

SAID = Counter("verger_http_feedback_total", "What people say of answers", ["report", "is_kept"])

KINDS = {
    "right": collection_pb2.REPORT_KIND_RIGHT,
    "class": collection_pb2.REPORT_KIND_CLASS,
    "none": collection_pb2.REPORT_KIND_NONE,
    "other": collection_pb2.REPORT_KIND_OTHER,
}
MAX_NOTE_CHARACTERS = 500


class Feedback(NamedTuple):
    """What a person says of the answer with this id."""

    answer: str
    kind: str
    label: str = ""
    note: str = ""


def feedback_of(fields: Mapping[str, str]) -> Feedback:
    """Returns what the fields of a form say; “report” may be “class:LABEL”, since a button has one value.

    Raises:
        FeedbackInvalid: one of them is missing or wrong.
    """
    kind, _, named = fields.get("report", "").partition(":")
    said = Feedback(fields.get("answer", ""), kind, named or fields.get("label", ""), fields.get("note", ""))
    if not 0 < len(said.answer) <= MAX_REQUEST_ID_CHARACTERS or not said.answer.isprintable():
        raise FeedbackInvalid("“answer” must be the id of the answer, which is in its header X-Request-ID.")
    if said.kind not in KINDS:
        raise FeedbackInvalid(f"“report” must be one of {', '.join(KINDS)}.")
    if (said.kind == "class") != bool(said.label):
        raise FeedbackInvalid("“label” must name the class that the photo shows, and only with the report “class”.")
    if len(said.note) > MAX_NOTE_CHARACTERS or "\0" in said.note:
        raise FeedbackInvalid(f"“note” may have at most {MAX_NOTE_CHARACTERS} characters.")
    return said


async def take(request: Request, said: Feedback, photo: Upload | None, source: collection_pb2.PhotoSource) -> None:
    """Notes what a person says, with the photo if there is one. That is answered again, so that its answer is known.

    Raises:
        FeedbackOff: this service keeps no photos.
        FeedbackInvalid: the live version has no such class.
        VergerError: ANSWER_UNKNOWN if there is no photo and none was kept; others if it could not be noted.
    """
    state = state_of(request)
    collector = collector_of(request)
    described = (await state.preprocess.recent_description()).model
    _check_label(said, {info.label for info in described.contract.classes})
    report = collection_pb2.Report(kind=KINDS[said.kind], label=said.label, note=said.note)
    classifier = described.ref.name
    try:
        if photo is None:
            await collector.report(
                collection_pb2.ReportAnswerRequest(request_id=said.answer, classifier=classifier, report=report)
            )
        else:
            answered = await _answered_again(request, photo)
            await collector.add(
                collection_pb2.AddPhotoRequest(
                    request_id=said.answer,
                    classifier=classifier,
                    image=photo.image,
                    source=source,
                    report=report,
                    classification=without_evidence(answered.classification) if answered else None,
                )
            )
    except VergerError:
        SAID.labels(said.kind, "false").inc()
        raise
    SAID.labels(said.kind, "true").inc()


def collector_of(request: Request) -> Collector:
    """Returns the client of the collection.

    Raises:
        FeedbackOff: this service keeps no photos.
    """
    collector = state_of(request).collector
    if collector is None:
        raise FeedbackOff("This site keeps no photos, so there is nothing to learn from feedback.")
    return collector


def _check_label(said: Feedback, classes: Collection[str]) -> None:
    if said.label and said.label not in classes:
        raise FeedbackInvalid("“label” must be a class of the live version; GET /api/v1/model lists them.")


async def _answered_again(request: Request, photo: Upload) -> classifier_pb2.ClassifyResponse | None:
    """Returns the answer to a photo; None if nobody can answer at the moment."""
    (outcome,) = await answer_all(request, state_of(request).preprocess, [photo], Wanted())
    if not isinstance(outcome, VergerError):
        return outcome
    if isinstance(outcome, Unavailable) or outcome.code != "INVALID_ARGUMENT":
        return None
    raise outcome
