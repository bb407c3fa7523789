"""Which graph a version gets: that of the release, tested on the sample fruits of the page."""

from collections.abc import Iterable
from pathlib import Path
from shutil import copyfile

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx.numpy_helper import from_array, to_array
from PIL import Image

from tests.support.repository import ROOT
from tests.support.trainer.training import RecordedProgress, full_context, ignore_progress, load
from trainer.config import TrainerSettings
from trainer.evaluation import gate
from trainer.graphs.features import logits_of
from trainer.graphs.int8 import is_quantised, quantise_graph, rounding_noise
from trainer.network.export import golden_batch
from trainer.runs import served_graph
from trainer.runs.served_graph import ServedGraph, choose_served_graph
from trainer.training.context import RunContext

SAMPLES = ROOT / "services" / "web" / "page" / "static" / "samples"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    """Samples for testing, and rotated samples, which are not detected as copies, for training."""
    folder = tmp_path_factory.mktemp("fruits")
    for path in SAMPLES.glob("*.webp"):
        with Image.open(path) as sample:
            picture = Image.new("RGB", sample.size, "white")
            picture.paste(sample, mask=sample.getchannel("A"))
        for part, angle in (("test", 0), ("train", 90), ("train", 250)):
            home = folder / part / path.stem
            home.mkdir(parents=True, exist_ok=True)
            picture.rotate(angle, fillcolor="white").save(home / f"{angle}.png")
    return full_context(load(folder), TrainerSettings(trainer_workers=2))


@pytest.fixture(scope="module")
def graph(released_graph: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(copyfile(released_graph, tmp_path_factory.mktemp("graphs") / "float.onnx"))


@pytest.fixture(scope="module")
def quantised(context: RunContext, graph: Path) -> ServedGraph:
    """Its speed depends on the processor, so any speed is allowed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "MAX_LATENCY_RATIO_QUANTISED", 10)
        return choose_served_graph(context, graph)


def test_a_version_computes_in_8_bit_integers_where_these_lose_nothing(
    quantised: ServedGraph, context: RunContext, graph: Path
) -> None:
    assert is_quantised(quantised.path)
    assert quantised.path.stat().st_size < 0.6 * graph.stat().st_size
    start = "It computes in 8-bit integers: 10 of 10 test pictures are right, in float 10. Where it was trained, "
    assert quantised.arithmetic.startswith(start)
    assert isinstance(context.progress, RecordedProgress)
    assert "Quantising to 8-bit integers" in context.progress.waits


def test_its_logits_are_those_of_the_graph_that_is_served(
    quantised: ServedGraph, context: RunContext, graph: Path
) -> None:
    own, exact = (
        logits_of(path, context.dataset.test, context.preprocessing, 2, ignore_progress)
        for path in (quantised.path, graph)
    )
    assert (quantised.logits == own).all()
    assert 1e-3 < np.abs(quantised.logits - exact).max() < 1  # the effect of rounding


def test_its_golden_samples_tolerate_the_rounding_of_other_processors(
    quantised: ServedGraph, context: RunContext
) -> None:
    noise = rounding_noise(quantised.path, golden_batch(context.preprocessing))
    assert quantised.tolerance == pytest.approx(max(4 * noise, 0.01))


def test_a_version_computes_in_float_where_integers_are_not_faster(
    quantised: ServedGraph, context: RunContext, graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served_graph, "quantise_graph", lambda *_: None)  # the file is still there
    monkeypatch.setattr(gate, "MAX_LATENCY_RATIO_QUANTISED", 0)
    served = choose_served_graph(context, graph)
    assert served.path == graph
    assert served.tolerance == 0.01
    assert served.arithmetic.startswith("It computes in float. In 8-bit integers an answer would take ")


def test_a_version_computes_in_float_where_integers_lose_answers(
    context: RunContext, graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A layer is lost here, which no choice of pictures does: ranges measured on a single blank one lose no answer."""

    def badly(source: Path, examples: Iterable[NDArray[np.float32]], target: Path) -> None:
        quantise_graph(source, examples, target)
        model = onnx.load(target)
        kernel = next(found for found in model.graph.initializer if found.data_type == 3 and len(found.dims) == 4)
        kernel.CopyFrom(from_array(0 * to_array(kernel), kernel.name))
        onnx.save(model, target)

    monkeypatch.setattr(served_graph, "quantise_graph", badly)
    monkeypatch.setattr(gate, "MAX_LATENCY_RATIO_QUANTISED", 10)
    served = choose_served_graph(context, Path(copyfile(graph, tmp_path / "float.onnx")))
    assert not is_quantised(served.path)
    assert "fewer of 10 test pictures would be right (0.3% are allowed)." in served.arithmetic
    exact = logits_of(graph, context.dataset.test, context.preprocessing, 2, ignore_progress)
    assert (served.logits == exact).all()
