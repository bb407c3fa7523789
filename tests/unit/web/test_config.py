import pytest
from pydantic import ValidationError

from services.web.config import WebSettings


def test_the_default_limits_follow_from_the_largest_image() -> None:
    settings = WebSettings(_env_file=None, max_image_bytes=2**20)
    assert (settings.max_request_bytes, settings.max_buffered_bytes) == (5 * 2**20, 15 * 2**20)


@pytest.mark.parametrize("limits", [(5000, 4000, 15_000), (2000, 4000, 11_999)])
def test_limits_that_contradict_each_other_are_refused(limits: tuple[int, int, int]) -> None:
    image, request, buffered = limits
    with pytest.raises(ValidationError, match="must be less than"):
        WebSettings(_env_file=None, max_image_bytes=image, max_request_bytes=request, max_buffered_bytes=buffered)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERGER_WEB_PORT", "8123")
    monkeypatch.setenv("VERGER_PREPROCESS_TARGET", "dns:///preprocess:50051")
    settings = WebSettings(_env_file=None)
    assert (settings.web_port, settings.preprocess_target) == (8123, "dns:///preprocess:50051")
