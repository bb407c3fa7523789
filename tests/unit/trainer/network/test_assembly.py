"""The whole network and its export."""

from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pytest

from engine.model.session import OnnxSession
from engine.model.verdict import probabilities
from trainer.errors import ExportDiffers
from trainer.network import assembly as module
from trainer.network.assembly import (
    HEAD,
    KerasRuntime,
    assemble,
    build_head,
    export_onnx,
    with_all_logits,
    with_input_size,
)
from trainer.network.backbone import BACKBONE, FEATURES
from trainer.network.gradcam import with_evidence

SIZE = 64
INPUT = np.random.default_rng(1).uniform(-1, 1, (3, SIZE, SIZE, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def graph(refusing: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    export_onnx(with_evidence(refusing.get_layer(BACKBONE), refusing.get_layer(HEAD)), path)
    return path


def test_the_export_takes_any_number_of_pictures_and_names_its_outputs(graph: Path) -> None:
    session = onnxruntime.InferenceSession(graph)
    (given,) = session.get_inputs()
    assert (given.name, given.shape[1:]) == ("pixels", [SIZE, SIZE, 3])
    made = {output.name: output.shape[1:] for output in session.get_outputs()}
    assert made == {"logits": [3], "evidence": [2, 2]}
    assert OnnxSession(graph).logits(INPUT).shape == (3, 3)


def test_the_export_computes_what_keras_computes(graph: Path, refusing: keras.Model, tmp_path: Path) -> None:
    refusing.save(tmp_path / "model.keras")
    reference = KerasRuntime(tmp_path / "model.keras").logits(INPUT)
    assert np.abs(OnnxSession(graph).logits(INPUT) - reference).max() < 1e-5
    assert np.ptp(reference) > 0


def test_an_export_that_differs_is_refused(
    classifier: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_DIFFERENCE", -1.0)
    with pytest.raises(ExportDiffers, match="Nothing was registered"):
        export_onnx(keras.Model(classifier.input, {"logits": classifier.output}), tmp_path / "model.onnx")


def test_logits_are_relative_to_the_summed_probability_of_the_auxiliary_classes(refusing: keras.Model) -> None:
    head, features = refusing.get_layer(HEAD), np.random.default_rng(2).uniform(0, 2, (4, FEATURES)).astype(np.float32)
    raw = np.asarray(with_all_logits(head)(features, training=False))
    beside_none = np.concatenate([np.asarray(head(features, training=False)), np.zeros((4, 1), np.float32)], axis=1)
    assert raw.shape == (4, 5)
    expected = probabilities(raw, 1)
    assert probabilities(beside_none, 1)[:, :3] == pytest.approx(expected[:, :3], abs=1e-6)
    assert probabilities(beside_none, 1)[:, 3] == pytest.approx(expected[:, 3:].sum(axis=1), abs=1e-6)


def test_a_copy_has_no_optimizer(classifier: keras.Model, tmp_path: Path) -> None:
    """A trained head has one, which would add a third to the stored file."""
    head = build_head(3, units=8)
    head.compile("adam", "mse")
    head.train_on_batch(np.zeros((1, FEATURES), np.float32), np.zeros((1, 3), np.float32))
    copy = with_input_size(assemble(classifier.get_layer(BACKBONE), head), SIZE)
    assert not copy.compiled
    assert not copy.get_layer(HEAD).compiled


def test_a_copy_for_another_size_has_the_same_weights(refusing: keras.Model) -> None:
    copy = with_input_size(refusing, 96)
    assert copy.input_shape == (None, 96, 96, 3)
    pairs = list(zip(copy.get_weights(), refusing.get_weights(), strict=True))
    assert all(np.array_equal(one, other) for one, other in pairs)


def test_a_copy_shares_no_weights_with_its_model(classifier: keras.Model) -> None:
    copy = with_input_size(classifier, SIZE)
    before = classifier.get_weights()[0].copy()
    copy.set_weights([np.zeros_like(weights) for weights in copy.get_weights()])
    assert np.array_equal(classifier.get_weights()[0], before)
