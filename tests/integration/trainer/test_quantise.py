"""Quantises the released version in a real MLflow. The pictures are the ten sample fruits of the page."""

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image
from verger.v1 import model_pb2

from engine.model.loading import load_model
from engine.model.session import OnnxSession
from engine.model.tensors import scale_pixels
from engine.version import NEGATIVES_FILE, TRAINING_FILE, VersionDirectory
from registry.aliases import CHAMPION, PREVIOUS
from registry.models import Registry
from tests.support.repository import ROOT
from tests.support.trainer.shapes import write_shapes
from tests.support.trainer.training import full_context, load
from trainer.config import TrainerSettings
from trainer.data.dataset import Dataset
from trainer.data.pictures import read_pixels
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.errors import VersionQuantised
from trainer.evaluation import gate
from trainer.evaluation.predict import predict_file
from trainer.graphs.int8 import is_quantised, rounding_noise
from trainer.network.assembly import KerasRuntime
from trainer.network.backbone import load_backbone, weights_digest
from trainer.network.export import golden_batch
from trainer.release.reference import fetch
from trainer.release.release import import_release, write_release
from trainer.runs import judge
from trainer.runs.judge import RegisteredVersion
from trainer.runs.quantise import ROLES, quantise, refuse_quantised
from trainer.runs.registration import Outcome
from trainer.training.start import load_start

SERVING, TRAINING = model_pb2.ModelFile.ROLE_SERVING, model_pb2.ModelFile.ROLE_TRAINING
SAMPLES = ROOT / "services" / "web" / "page" / "static" / "samples"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples for testing, rotated samples (not detected as copies) for training, and shapes as negatives."""
    folder = tmp_path_factory.mktemp("data")
    for path in SAMPLES.glob("*.webp"):
        with Image.open(path) as sample:
            picture = Image.new("RGB", sample.size, "white")
            picture.paste(sample, mask=sample.getchannel("A"))
        for part, angle in (("test", 0), ("train", 90), ("train", 135), ("train", 250)):
            home = folder / "fruits" / part / path.stem
            home.mkdir(parents=True, exist_ok=True)
            picture.rotate(angle, fillcolor="white").save(home / f"{angle}.png")
    write_shapes(folder / "negatives", 10)
    return folder


@pytest.fixture(scope="module")
def dataset(data: Path) -> Dataset:
    return load(data / "fruits", negatives=[data / "negatives"])


@pytest.fixture(scope="module")
def parent(settings: TrainerSettings, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> VersionDirectory:
    """Version 1, which is in float."""
    assert import_release(settings) == "1"
    return fetch(registry, "1", ROLES, tmp_path_factory.mktemp("parent"))


@pytest.fixture(scope="module")
def evaluations() -> Mock:
    """Counts the evaluations of versions that version 2 is compared with."""
    return Mock(wraps=judge.evaluate)


@pytest.fixture(scope="module")
def outcome(parent: VersionDirectory, dataset: Dataset, settings: TrainerSettings, evaluations: Mock) -> Outcome:
    """Version 2. Its speed depends on the processor, so any speed passes here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "MAX_LATENCY_RATIO_QUANTISED", 10)
        patch.setattr(gate, "MAX_LATENCY_RATIO", 10)
        patch.setattr(judge, "evaluate", evaluations)
        return quantise(full_context(dataset, settings), RegisteredVersion("1", parent))


@pytest.fixture(scope="module")
def version(outcome: Outcome, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> VersionDirectory:
    return fetch(registry, outcome.version, ROLES, tmp_path_factory.mktemp("quantised"))


def test_a_quantised_version_is_registered_after_the_gate(
    outcome: Outcome, registry: Registry, settings: TrainerSettings
) -> None:
    assert outcome.decision.passed, outcome.decision.reason
    assert "Worth quantising: 100.00% right against 100.00% of its float version 1" in outcome.decision.reason
    assert len(outcome.evaluation.negatives) == 1
    assert registry.aliases() == {CHAMPION: "2", PREVIOUS: "1"}
    assert registry.tags_of("2")["quantised_from"] == "1"
    client = MlflowClient(settings.mlflow_url)
    run = client.get_run(client.get_model_version(settings.model_name, "2").run_id)
    assert run.data.params["quantised_from"] == "1"
    assert run.data.params["reduce_range"] == "True"
    assert "report/confusion_matrix.png" in [item.path for item in client.list_artifacts(run.info.run_id, "report")]


def test_a_float_version_that_is_also_champion_is_tested_once(outcome: Outcome, evaluations: Mock) -> None:
    assert evaluations.call_count == 1


def test_serving_and_trainer_give_the_same_probabilities(version: VersionDirectory, dataset: Dataset) -> None:
    """The reference for serving is the quantised graph, because the Keras model is that of the float version."""
    served, spec = load_model(model_pb2.ModelRef(name="fruits", version="2"), version.path), mobilenet_preprocessing()
    runtime, keras = OnnxSession(version.file(SERVING)), KerasRuntime(version.file(TRAINING))
    for picture in dataset.test[:4]:
        model_input = scale_pixels(read_pixels(picture.path, spec), spec)
        answer = served.classify(model_input, top_k=0, include_evidence=True)
        predicted = predict_file(picture.path, version.contract, runtime)
        assert [item.probability for item in answer.predictions] == [
            item["probability"] for item in predicted["predictions"]
        ]
        assert max(answer.evidence.strength) == 255
        difference = np.abs(runtime.logits(model_input[None]) - keras.logits(model_input[None])).max()
        assert 1e-3 < difference < 1  # the effect of rounding


def test_its_golden_samples_tolerate_the_rounding_of_other_processors(
    version: VersionDirectory, parent: VersionDirectory
) -> None:
    noise = rounding_noise(version.file(SERVING), golden_batch(version.contract.preprocessing))
    for sample, exact in zip(version.contract.golden_samples, parent.contract.golden_samples, strict=True):
        assert sample.tolerance == pytest.approx(max(4 * noise, 0.01))
        assert exact.tolerance == pytest.approx(0.01)


def test_its_contract_keeps_the_provenance_of_the_float_version(
    version: VersionDirectory, parent: VersionDirectory
) -> None:
    ours, theirs = version.contract.provenance, parent.contract.provenance
    assert ours.trained_at == theirs.trained_at
    assert ours.dataset_digest == theirs.dataset_digest
    assert ours.run_id != theirs.run_id
    assert ours.test_metrics["images"] == 10
    assert version.contract.calibration == parent.contract.calibration  # too few pictures to calibrate on
    assert version.file(SERVING).stat().st_size < 0.6 * parent.file(SERVING).stat().st_size


def test_training_from_it_starts_from_the_float_version(
    version: VersionDirectory, parent: VersionDirectory, dataset: Dataset, settings: TrainerSettings
) -> None:
    for name in (TRAINING_FILE, NEGATIVES_FILE):
        assert (version.path / name).read_bytes() == (parent.path / name).read_bytes()
    start = load_start(full_context(dataset, settings), CHAMPION)
    assert len(start.negatives) > 100
    backbone = load_backbone(224, parent.file(TRAINING))
    assert weights_digest(start.backbone) == weights_digest(backbone)


def test_it_can_be_released(outcome: Outcome, settings: TrainerSettings, tmp_path: Path) -> None:
    written = write_release("2", settings.model_copy(update={"release_dir": tmp_path / "release"}))
    assert is_quantised(written.file(SERVING))
    assert "| quantised_from | 1 |" in (written.path / "MODEL_CARD.md").read_text()


def test_a_quantised_version_is_not_quantised_again(
    outcome: Outcome, version: VersionDirectory, registry: Registry
) -> None:
    with pytest.raises(VersionQuantised, match=r"Version 2 of \w+ is quantised already. Name version 1, which it was"):
        refuse_quantised(RegisteredVersion("2", version), registry, "trainer")
