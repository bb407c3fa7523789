"""A version and photos for bulk classification."""

from pathlib import Path

import pytest

from tests.support.tiny_model import tiny_version


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version that tells red, green and blue photos apart."""
    return tiny_version(tmp_path_factory.mktemp("bulk") / "tiny")
