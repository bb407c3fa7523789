import grpc
import pytest
from google.rpc import status_pb2

from engine.errors import ImageTruncated, VergerError
from services.common.errors import ModelNotLoaded, Overloaded
from services.common.rpc.statuses import from_status, to_status


def all_errors(base: type[VergerError]) -> list[type[VergerError]]:
    return [base, *(found for child in base.__subclasses__() for found in all_errors(child))]


@pytest.mark.parametrize("kind", all_errors(VergerError), ids=lambda kind: kind.__name__)
def test_every_error_has_a_canonical_code_and_a_reason(kind: type[VergerError]) -> None:
    assert kind.code in grpc.StatusCode.__members__
    assert kind.reason == kind.reason.upper()


def test_an_error_survives_the_conversion_to_a_status_and_back() -> None:
    read = from_status(to_status(ImageTruncated("The picture's end is missing.")))
    assert (read.code, read.reason, str(read)) == (
        "INVALID_ARGUMENT",
        "IMAGE_TRUNCATED",
        "The picture's end is missing.",
    )
    assert read.retry_after_seconds is None


def test_the_metadata_of_an_error_survives_the_conversion() -> None:
    error = ModelNotLoaded("None is live.", since="2026-11-27T09:30:00+00:00")
    once = from_status(to_status(error))
    assert from_status(to_status(once)).metadata == {"since": "2026-11-27T09:30:00+00:00"}


def test_an_overload_says_when_to_retry() -> None:
    assert from_status(to_status(Overloaded("Full."))).retry_after_seconds == 1.0


def test_a_status_without_details_gets_its_code_as_its_reason() -> None:
    read = from_status(status_pb2.Status(code=14, message="connection refused"))
    assert (read.code, read.reason) == ("UNAVAILABLE", "UNAVAILABLE")
