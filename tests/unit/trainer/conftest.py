"""Networks that tests share, because they are slow to build."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import keras
import pytest

from tests.support.trainer.exports import exporting_once
from tests.support.trainer.released import RELEASED_WEIGHTS
from trainer.network.assembly import assemble, build_head
from trainer.network.backbone import BACKBONE, build_backbone
from trainer.network.export import write_float_graph
from trainer.network.files import load_network
from trainer.training import examples, finetune, head, remembered_negatives
from trainer.training.learning import compile_classifier

with warnings.catch_warnings():  # MLflow warns about its own type hints when it is imported
    warnings.simplefilter("ignore")
    import mlflow.pyfunc  # noqa: F401

SIZE = 64


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ignores a warning of NumPy 2 about how Keras reads TensorFlow's variables, which callers can't change."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"))


@pytest.fixture(scope="session")
def classifier() -> keras.Model:
    """Untrained classifier of three classes. Tests must not change it."""
    keras.utils.set_random_seed(5)
    return assemble(build_backbone(SIZE), build_head(classes=3, units=8, dropout=0.1))


@pytest.fixture(scope="session")
def refusing(classifier: keras.Model) -> keras.Model:
    """The same backbone with a head that has two auxiliary classes and no hidden layer. Tests must not change it."""
    keras.utils.set_random_seed(6)
    head = build_head(classes=3, auxiliary=2, dropout=0.1)
    head.set_weights([1e6 * weights for weights in head.get_weights()])  # features of an untrained backbone are small
    return assemble(classifier.get_layer(BACKBONE), head)


@pytest.fixture(scope="session")
def released_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The released network as a float graph. Tests must not change the file."""
    path = tmp_path_factory.mktemp("released") / "float.onnx"
    write_float_graph(load_network(Path(RELEASED_WEIGHTS)), path)
    return path


def compile_for_few_steps(
    model: keras.Model, classes: int, optimizer: keras.optimizers.Optimizer | None = None
) -> None:
    """Compiles without a graph, which would take longer to build than the few steps of a test."""
    compile_classifier(model, classes, optimizer)
    model.run_eagerly = True


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module", autouse=True)
def quick_networks(exports: Path) -> Iterator[None]:
    """Shares exports between tests. tests/integration/trainer builds and exports graphs as real runs do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetune, "compile_classifier", compile_for_few_steps)
        for module in (examples, head, remembered_negatives):
            patch.setattr(module, "feature_graph", exporting_once(exports))
        yield
