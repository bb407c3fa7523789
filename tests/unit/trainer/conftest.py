"""Networks are slow to make: one for all tests of a kind."""

import warnings
from pathlib import Path

import keras
import pytest

from trainer.backbone import build_backbone
from trainer.classifier import assemble, build_head

with warnings.catch_warnings():  # MLflow warns of its own type hints when it is imported
    warnings.simplefilter("ignore")
    import mlflow.pyfunc  # noqa: F401

SIZE = 64


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keras reads TensorFlow's variables in a way that NumPy 2 warns of; nothing that callers could change."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"))


@pytest.fixture(scope="session")
def classifier() -> keras.Model:
    """An untrained classifier of three classes. Tests may not change it."""
    keras.utils.set_random_seed(5)
    return assemble(build_backbone(SIZE), build_head(classes=3, units=8, dropout=0.1))
