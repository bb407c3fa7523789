import inspect

import pytest

import engine.errors
import services.common.errors
from engine.errors import (
    ContractUnsupported,
    FailedPrecondition,
    ImageCorrupt,
    ImageEmpty,
    ImageFormatUnsupported,
    ImageTooComplex,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageTruncated,
    InvalidArgument,
    TensorInvalid,
    Unavailable,
    VergerError,
)
from services.common.errors import DeadlineExceeded, ModelNotLoaded, Overloaded, RemoteError
from services.web.problems import FileMissing, UploadTimeout, headers_of, is_callers_fault, problem_of, status_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ImageEmpty("?"), 400),
        (FileMissing("?"), 400),
        (UploadTimeout("?"), 408),
        (ImageTooLarge("?"), 413),
        (ImageTooManyPixels("?"), 413),
        (ImageTooComplex("?"), 422),
        (ImageFormatUnsupported("?"), 415),
        (ImageTruncated("?"), 422),
        (ImageCorrupt("?"), 422),
        (Overloaded("?"), 429),
        (ModelNotLoaded("?"), 503),
        (ContractUnsupported("?"), 503),
        (DeadlineExceeded("?"), 504),
        (RemoteError("INVALID_ARGUMENT", "SOMETHING_NEW", "?"), 400),
        (RemoteError("UNKNOWN", "UNKNOWN", "?"), 500),
        (VergerError("?"), 500),
    ],
)
def test_each_error_has_its_status(error: VergerError, status: int) -> None:
    assert status_of(error) == status


def test_every_error_has_a_status_that_fits_its_base_class() -> None:
    modules = (engine.errors, services.common.errors)
    for kind in {kind for module in modules for _, kind in inspect.getmembers(module, inspect.isclass)}:
        if issubclass(kind, InvalidArgument) and kind is not TensorInvalid:
            assert 400 <= status_of(kind("?")) < 500, kind
            assert is_callers_fault(kind("?")), kind
        elif issubclass(kind, Unavailable | FailedPrecondition):
            assert status_of(kind("?")) == 503, kind
            assert not is_callers_fault(kind("?")), kind


def test_a_problem_describes_the_error() -> None:
    problem = problem_of(ImageEmpty("The file is empty. Send a picture."))
    assert problem.model_dump() == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "The file is empty. Send a picture.",
        "reason": "IMAGE_EMPTY",
    }


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Overloaded("?"), "1"),
        (RemoteError("RESOURCE_EXHAUSTED", "OVERLOADED", "?", 2.1), "3"),
        (ModelNotLoaded("?"), "2"),
    ],
)
def test_overload_and_unavailability_have_a_retry_after(error: VergerError, seconds: str) -> None:
    assert headers_of(error) == {"Retry-After": seconds}


def test_an_invalid_photo_has_no_retry_after() -> None:
    assert headers_of(ImageEmpty("?")) == {}


def test_overload_and_timeouts_are_not_the_callers_fault() -> None:
    assert not is_callers_fault(Overloaded("?"))
    assert not is_callers_fault(UploadTimeout("?"))
