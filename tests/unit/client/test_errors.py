"""Which exception a failure becomes, over gRPC and over REST."""

import re

import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2
from verger_client import errors, messages, problems

from engine.errors import ImageCorrupt
from services.common.errors import Overloaded
from services.common.rpc.statuses import to_status


@pytest.mark.parametrize(
    ("code", "reason", "http", "expected"),
    [
        ("INVALID_ARGUMENT", "IMAGE_CORRUPT", 400, errors.PhotoError),
        ("INVALID_ARGUMENT", "IMAGE_FORMAT_UNSUPPORTED", 415, errors.PhotoError),
        ("INVALID_ARGUMENT", "REQUEST_ID_TOO_LONG", 400, errors.RequestError),
        ("UNIMPLEMENTED", "", 404, errors.RequestError),
        ("UNAUTHENTICATED", "KEY_REVOKED", 401, errors.AccessError),
        ("PERMISSION_DENIED", "SCOPE_MISSING", 403, errors.AccessError),
        ("RESOURCE_EXHAUSTED", "OVERLOADED", 429, errors.Busy),
        ("UNAVAILABLE", "MODEL_NOT_LOADED", 503, errors.Unavailable),
        ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", 504, errors.Timeout),
        ("INTERNAL", "INTERNAL", 500, errors.ServerError),
        ("DATA_LOSS", "", 507, errors.ServerError),
    ],
)
def test_both_protocols_give_the_same_exception(
    code: str, reason: str, http: int, expected: type[errors.VergerError]
) -> None:
    status = status_pb2.Status(code=code_pb2.Code.Value(code), message="Do this.")
    if reason:
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain="verger"))
    for error in (messages.error_of(status), problems.error_of(http, {"reason": reason, "detail": "Do this."})):
        assert (type(error), str(error), error.reason) == (expected, "Do this.", reason)


def test_the_hint_when_to_come_back_is_kept() -> None:
    assert messages.error_of(to_status(Overloaded("Full."))).retry_after == Overloaded("Full.").retry_after_seconds
    assert problems.error_of(429, {"reason": "OVERLOADED"}, "3").retry_after == 3
    assert problems.error_of(503, None, "Wed, 21 Oct 2026 07:28:00 GMT").retry_after == 0


def test_a_message_that_grpc_itself_refuses_is_a_photo_that_is_too_large() -> None:
    error = messages.error_of(status_pb2.Status(code=code_pb2.RESOURCE_EXHAUSTED, message="larger than max (9 vs. 4)"))
    assert (type(error), error.reason) == (errors.PhotoError, "IMAGE_TOO_LARGE")


def test_details_that_can_not_be_read_leave_code_and_message() -> None:
    for details in (b"", b"\xff\xff"):
        assert messages.status_from(14, "away", details) == status_pb2.Status(code=14, message="away")
    found = to_status(ImageCorrupt("Damaged."))
    assert messages.status_from(3, "", found.SerializeToString()) == found


def test_an_answer_of_a_proxy_is_an_error_without_a_reason() -> None:
    error = problems.error_of(502, "<html>Bad gateway</html>")
    assert (type(error), error.reason) == (errors.Unavailable, "")


def test_the_tree_in_the_documentation_is_that_of_the_classes() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    classes = [item for item in vars(errors).values() if isinstance(item, type) and item is not errors.VergerError]
    assert sorted(drawn) == sorted(item.__name__ for item in classes)
    indented = set(re.findall(r"│   [├└]── (\w+)", errors.__doc__ or ""))
    assert indented == {item.__name__ for item in classes if errors.TemporaryError in item.__bases__}
