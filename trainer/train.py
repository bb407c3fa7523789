"""A training run from a folder of photos to a registered version that passed the gate, or did not."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import keras
from verger.v1 import model_pb2

from services.common.contract import digest_of, write_contract
from services.common.errors import ContractUnsupported, ModelCorrupt
from services.inference.model import load_model
from trainer import gate
from trainer.backbone import download_backbone, load_backbone
from trainer.calibration import calibrate
from trainer.classifier import assemble, with_input_size
from trainer.config import TrainerSettings
from trainer.console import EpochProgress, counting
from trainer.cost import compare_cost
from trainer.dataset import Dataset, class_indices
from trainer.evaluate import evaluate, logits_of
from trainer.export import draft_contract, write_models
from trainer.figures import Evaluation
from trainer.finetune import fine_tune
from trainer.head import train_head
from trainer.names import class_info
from trainer.preprocessing import mobilenet_preprocessing
from trainer.recipe import Recipe
from trainer.reference import fetch, opened
from trainer.registry import CHAMPION, Registry
from trainer.tracking import RecordedEpochs, TrackedRun, tracked_run
from trainer.version import EVALUATION_FILE, SERVING_FILE, VersionDirectory, open_version, tags_of
from trainer.watch import OnProgress, Watch

SERVING, TRAINING = model_pb2.ModelFile.ROLE_SERVING, model_pb2.ModelFile.ROLE_TRAINING


@dataclass(frozen=True)
class Outcome:
    """A registered version and what became of it."""

    version: str
    evaluation: Evaluation
    decision: gate.Decision


def train(dataset: Dataset, weights: str, recipe: Recipe, seed: int, settings: TrainerSettings) -> Outcome:
    """Trains, registers, and makes the version champion if it passes the gate.

    Args:
        weights: "imagenet", "release", "champion", or a file that trainer.backbone.load_backbone reads.
        seed: same data, settings and seed give the same model, up to the rounding of parallel sums.

    Raises:
        VergerError: one of trainer.errors or services.common.errors. Nothing was registered.
    """
    registry = Registry(settings.mlflow_url, settings.model_name)
    keras.utils.set_random_seed(seed)
    backbone = open_backbone(weights, mobilenet_preprocessing().height, settings)
    with (
        tracked_run(registry, settings.experiment_name) as run,
        tempfile.TemporaryDirectory(prefix="verger-") as folder,
    ):
        _log_start(run, dataset, weights, recipe, seed)
        with EpochProgress() as progress:
            epochs = RecordedEpochs(run, progress)
            model = _learn(backbone, dataset, recipe, seed, settings.trainer_workers, epochs)
        version, evaluation = _make_version(model, dataset, run, Path(folder) / "version", settings)
        run.log_report(evaluation, epochs, dataset.root)
        decision = _judge(version, evaluation, dataset, registry, settings)
        number = _register(version, decision, run, registry, settings)
    return Outcome(number, evaluation, decision)


def open_backbone(weights: str, size: int, settings: TrainerSettings) -> keras.Model:
    """The backbone that --weights names. Raises WeightsInvalid, DownloadFailed, or as trainer.reference.opened."""
    if weights == "imagenet":
        return download_backbone(size)
    if weights not in ("release", CHAMPION):
        return load_backbone(size, Path(weights))
    with opened(weights, [TRAINING], settings) as version:
        return load_backbone(size, version.file(TRAINING))


def _learn(
    backbone: keras.Model, dataset: Dataset, recipe: Recipe, seed: int, workers: int, watch: Watch
) -> keras.Model:
    spec = mobilenet_preprocessing(backbone.input_shape[1])
    head = train_head(backbone, dataset, recipe.head, spec, seed, workers, watch)
    model = assemble(backbone, head)
    for number, stage in enumerate(recipe.fine_tune, start=1):
        model = fine_tune(model, dataset, stage, (seed, number), workers, watch)
    return with_input_size(model, spec.height)  # a copy without the state of any optimizer


def _make_version(
    model: keras.Model, dataset: Dataset, run: TrackedRun, directory: Path, settings: TrainerSettings
) -> tuple[VersionDirectory, Evaluation]:
    spec = mobilenet_preprocessing(model.input_shape[1])
    write_models(model, directory)
    contract = draft_contract(directory, [class_info(label, dataset.own_names) for label in dataset.labels], spec)
    graph, workers = directory / SERVING_FILE, settings.trainer_workers
    with counting("Calibrating") as progress:
        logits = logits_of(graph, [*dataset.validation, *dataset.validation_negatives], spec, workers, progress)
    known, strangers = logits[: len(dataset.validation)], logits[len(dataset.validation) :]
    targets = class_indices(dataset.validation, dataset.labels)
    contract.calibration.CopyFrom(calibrate(known, targets, strangers))
    with counting("Testing") as progress:
        evaluation = _evaluate(graph, contract, dataset, workers, progress)
    evaluation.write(directory / EVALUATION_FILE)
    contract.provenance.run_id = run.id
    contract.provenance.dataset_digest = dataset.digest
    contract.provenance.trained_at.FromDatetime(datetime.now(UTC))
    for name, value in evaluation.summary().items():
        contract.provenance.test_metrics[name] = value
    write_contract(contract, directory)
    return open_version(directory), evaluation


def _evaluate(
    graph: Path, contract: model_pb2.ModelContract, dataset: Dataset, workers: int, progress: OnProgress
) -> Evaluation:
    """On the test pictures; no negative is kept from the training but for validation."""
    negatives = dataset.validation_negatives
    return evaluate(graph, contract, dataset.test, negatives, dataset.root, workers, progress)


def _judge(
    version: VersionDirectory, evaluation: Evaluation, dataset: Dataset, registry: Registry, settings: TrainerSettings
) -> gate.Decision:
    try:
        load_model(model_pb2.ModelRef(name=registry.name, version="new"), version.path)  # its golden samples too
    except (ModelCorrupt, ContractUnsupported) as error:
        return gate.not_sound(str(error))
    champion = registry.aliases().get(CHAMPION)
    if champion is None:
        return gate.NO_CHAMPION
    with tempfile.TemporaryDirectory(prefix="verger-") as folder:
        try:
            rival = fetch(registry, champion, [SERVING], Path(folder))
        except (ModelCorrupt, ContractUnsupported) as error:
            return gate.not_comparable(champion, str(error))
        if sorted(info.label for info in rival.contract.classes) != sorted(dataset.labels):
            return gate.not_comparable(champion, "It knows other classes.")
        with counting("Testing the champion") as progress:
            graph = rival.file(SERVING)
            theirs = _evaluate(graph, rival.contract, dataset, settings.trainer_workers, progress)
        cost = compare_cost(version, rival)
    return gate.compare(evaluation, theirs, cost, champion)


def _register(
    version: VersionDirectory, decision: gate.Decision, run: TrackedRun, registry: Registry, settings: TrainerSettings
) -> str:
    metrics = dict(version.contract.provenance.test_metrics)
    tags = tags_of(version, "passed" if decision.passed else "failed", decision.reason)
    with counting("Registering"):
        number = registry.register(version.path, tags, settings.experiment_name, run.id, metrics)
    if decision.passed:
        registry.promote(number)
    else:
        registry.challenge(number)
    return number


def _log_start(run: TrackedRun, dataset: Dataset, weights: str, recipe: Recipe, seed: int) -> None:
    spec = mobilenet_preprocessing()
    run.log_parameters(
        {
            "data": dataset.root.resolve().name,
            "more": _names(dataset.more),
            "negatives": _names(dataset.negative_folders),
            "data_digest": dataset.digest,
            "weights": Path(weights).name,
            "seed": seed,
            "preprocessing_digest": digest_of(spec),
            **asdict(recipe),
        }
    )
    run.log_dataset(dataset)
    run.log_environment()


def _names(folders: Sequence[Path]) -> str:
    return ", ".join("/".join(folder.resolve().parts[-2:]) for folder in folders)
