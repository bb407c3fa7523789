"""What a reviewer looks for, as the address of the page says it. No input or output."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from google.protobuf.timestamp_pb2 import Timestamp
from verger.v1 import classifier_pb2, collection_pb2

from services.web.problems import DecisionInvalid, ParameterInvalid

ORDERS = {
    "useful": collection_pb2.PHOTO_ORDER_USEFUL,
    "newest": collection_pb2.PHOTO_ORDER_NEWEST,
    "doubtful": collection_pb2.PHOTO_ORDER_DOUBTFUL,
}
STATES = {
    "open": collection_pb2.REVIEW_STATE_OPEN,
    "labelled": collection_pb2.REVIEW_STATE_LABELLED,
    "all": collection_pb2.REVIEW_STATE_UNSPECIFIED,
}
VERDICTS = {
    "recognised": classifier_pb2.VERDICT_RECOGNISED,
    "unsure": classifier_pb2.VERDICT_UNSURE,
    "out_of_scope": classifier_pb2.VERDICT_OUT_OF_SCOPE,
}
REPORTS = {
    "right": collection_pb2.REPORT_KIND_RIGHT,
    "class": collection_pb2.REPORT_KIND_CLASS,
    "none": collection_pb2.REPORT_KIND_NONE,
    "other": collection_pb2.REPORT_KIND_OTHER,
}
SOURCES = {
    "page": collection_pb2.PHOTO_SOURCE_PAGE,
    "rest": collection_pb2.PHOTO_SOURCE_REST,
    "grpc": collection_pb2.PHOTO_SOURCE_GRPC,
    "import": collection_pb2.PHOTO_SOURCE_IMPORT,
}
NONE, DISCARDED, CLASS = "none", "discarded", "class:"

_CHOICES: Mapping[str, Mapping[str, int]] = {
    "order": ORDERS,
    "state": STATES,
    "verdict": {"": 0} | VERDICTS,
    "report": {"": 0} | REPORTS,
    "source": {"": 0} | SOURCES,
}
MAX_CHARACTERS = 100


@dataclass(frozen=True)
class Search:
    """Which photos to list. Fields have the names and values of the address; an empty text means any.

    predicted: the class that was answered; label: see label_of; day: of arrival, UTC; text: in a note; group: of photos
    that look alike.
    """

    order: str = "useful"
    state: str = "open"
    verdict: str = ""
    predicted: str = ""
    label: str = ""
    report: str = ""
    version: str = ""
    source: str = ""
    day: str = ""
    text: str = ""
    group: str = ""

    @property
    def query(self) -> str:
        """The part of the address that says all this: what differs from the defaults."""
        return urlencode(
            {each.name: value for each in fields(self) if (value := self._value(each.name)) != each.default}
        )

    @property
    def is_narrow(self) -> bool:
        """Whether there are filters besides order and state."""
        return any(self._value(each.name) for each in fields(self) if not each.default)

    def _value(self, name: str) -> str:
        return str(getattr(self, name))


def search_of(parameters: Mapping[str, str]) -> Search:
    """Returns the search in the parameters of an address.

    Raises:
        ParameterInvalid: one of them has a value that it may not have.
    """
    names = {each.name for each in fields(Search)}
    given = {name: value.strip() for name, value in parameters.items() if name in names and value.strip()}
    for name, value in given.items():
        if name in _CHOICES and value not in _CHOICES[name]:
            raise ParameterInvalid(
                f"Correct the query parameters. “{name}” must be one of {', '.join(_CHOICES[name])}."
            )
        if len(value) > MAX_CHARACTERS or not value.isprintable():
            raise ParameterInvalid(
                f"Correct the query parameters. “{name}” must be a text of {MAX_CHARACTERS} at most."
            )
    search = Search(**given)
    if search.order == "doubtful" and "state" not in given:
        search = Search(**given | {"state": "labelled"})
    filter_of(search)
    return search


def filter_of(search: Search) -> collection_pb2.PhotoFilter:
    """Returns the search as the collection takes it.

    Raises:
        ParameterInvalid: the day or the label is none.
    """
    wanted = collection_pb2.PhotoFilter(
        verdict=VERDICTS.get(search.verdict),
        predicted_label=search.predicted,
        model_version=search.version,
        source=SOURCES.get(search.source),
        state=STATES[search.state],
        report_kind=REPORTS.get(search.report),
        text=search.text,
        group_id=search.group,
    )
    try:
        if search.label:
            wanted.label.CopyFrom(label_of(search.label))
        if search.day:
            start = datetime.combine(date.fromisoformat(search.day), datetime.min.time(), UTC)
            wanted.received_from.CopyFrom(_timestamp(start))
            wanted.received_before.CopyFrom(_timestamp(start + timedelta(days=1)))
    except (DecisionInvalid, ValueError, OverflowError):
        text = "Correct the query parameters. “day” must be a date such as 2026-11-28, and “label” a label."
        raise ParameterInvalid(text) from None
    return wanted


def label_of(text: str) -> collection_pb2.Label:
    """Returns the label that a form names: “class:NAME”, “none” or “discarded”.

    Raises:
        DecisionInvalid: it names none.
    """
    if text == NONE:
        return collection_pb2.Label(kind=collection_pb2.LABEL_KIND_NONE)
    if text == DISCARDED:
        return collection_pb2.Label(kind=collection_pb2.LABEL_KIND_DISCARDED)
    name = text.removeprefix(CLASS)
    if not text.startswith(CLASS) or not name:
        raise DecisionInvalid("“label” must be “class:” with the name of a class, “none” or “discarded”.")
    return collection_pb2.Label(kind=collection_pb2.LABEL_KIND_CLASS, name=name)


def label_text(label: collection_pb2.Label) -> str:
    """Returns a label as a form names it; an empty text if there is none."""
    kinds = {collection_pb2.LABEL_KIND_NONE: NONE, collection_pb2.LABEL_KIND_DISCARDED: DISCARDED}
    return f"{CLASS}{label.name}" if label.kind == collection_pb2.LABEL_KIND_CLASS else kinds.get(label.kind, "")


def _timestamp(moment: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(moment)
    return message
