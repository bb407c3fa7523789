"""Networks are slow to make: one for all tests of a kind."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import keras
import pytest

from tests.support.exports import exporting_once
from trainer.network.assembly import assemble, build_head
from trainer.network.backbone import build_backbone
from trainer.training import finetune, head
from trainer.training import remembered as memory
from trainer.training.learning import compile_classifier

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


def compile_for_few_steps(model: keras.Model, optimizer: keras.optimizers.Optimizer, label_smoothing: float) -> None:
    """Step by step: to make a graph of a whole network in training takes longer than the few steps of a test."""
    compile_classifier(model, optimizer, label_smoothing)
    model.run_eagerly = True


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module", autouse=True)
def quick_networks(exports: Path) -> Iterator[None]:
    """Graphs of whole networks are made, and exported anew for each run, in tests/integration/trainer only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetune, "compile_classifier", compile_for_few_steps)
        for module in (head, memory):
            patch.setattr(module, "feature_graph", exporting_once(exports))
        yield
