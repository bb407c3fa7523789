"""A training run from a folder of photos to a registered version that passed the gate, or did not."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import keras
from verger.v1 import model_pb2

from engine.contract import digest_of
from engine.version import NEGATIVES_FILE, VersionDirectory
from registry.models import CHAMPION, Registry
from trainer.cli.console import NOTES, EpochProgress, announce_memory
from trainer.config import TrainerSettings
from trainer.data.dataset import Dataset
from trainer.data.names import class_info, folder_names
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.evaluation.figures import Evaluation
from trainer.network.assembly import HEAD, assemble, with_input_size
from trainer.network.backbone import BACKBONE, download_backbone, load_backbone, weights_digest
from trainer.network.export import draft_contract, write_models
from trainer.release.reference import opened
from trainer.tracking.progress import Watch
from trainer.tracking.run import RecordedEpochs, TrackedRun, tracked_run
from trainer.training.candidate import Outcome, measure, register
from trainer.training.checkpoint import Checkpoint, checkpoint_path
from trainer.training.finetune import fine_tune
from trainer.training.head import train_head
from trainer.training.judge import judge
from trainer.training.recipe import Recipe
from trainer.training.remembered import NOTHING, Memory, Rows, fits, remember

TRAINING, NEGATIVES = model_pb2.ModelFile.ROLE_TRAINING, model_pb2.ModelFile.ROLE_NEGATIVES


@dataclass(frozen=True)
class Start:
    """What a run goes out from."""

    backbone: keras.Model
    memory: Memory = NOTHING
    """Negatives as the backbone sees them."""


def train(
    dataset: Dataset, weights: str, recipe: Recipe, seed: int, settings: TrainerSettings, resume: bool = False
) -> Outcome:
    """Trains, registers, and makes the version champion if it passes the gate.

    Negatives that the version behind `weights` remembers are learned again, beside those of the data set, as long as
    its backbone stays as it is and the classes are among its own. The new version remembers both.

    Args:
        weights: "imagenet", "release", "champion", or a file that trainer.network.backbone.load_backbone reads.
        seed: same data, settings and seed give the same model, up to the rounding of parallel sums.
        resume: go on with the run of the same data, settings and seed that broke off, where there is one.

    Raises:
        VergerError: one of trainer.errors or services.common.errors. Nothing was registered.
    """
    registry = Registry(settings.mlflow_url, settings.model_name)
    keras.utils.set_random_seed(seed)
    start = _with_use_for(
        open_start(weights, mobilenet_preprocessing().height, dataset.labels, settings), dataset, recipe
    )
    checkpoint = _checkpoint(start, dataset, recipe, seed, settings, resume)
    with (
        tracked_run(registry, settings.experiment_name, checkpoint.run_id) as run,
        tempfile.TemporaryDirectory(prefix="verger-") as folder,
    ):
        if not checkpoint.run_id:
            _log_start(run, dataset, weights, recipe, seed, start.memory)
            checkpoint.run_id = run.id
        with EpochProgress() as progress:
            epochs = RecordedEpochs(run, progress, checkpoint.epochs)
            model = _learn(start, dataset, recipe, seed, settings.trainer_workers, epochs, checkpoint)
        memory = _remember(model, start.memory, dataset, recipe, seed, settings.trainer_workers)
        recalled = start.memory.validation
        directory, workers = Path(folder) / "version", settings.trainer_workers
        version, evaluation = _make_version(model, dataset, memory, recalled, run, directory, workers)
        run.log_curves(epochs)
        run.log_report(evaluation, dataset.root)
        decision = judge(version, evaluation, dataset, recalled, registry, settings)
        outcome = register(version, evaluation, decision, dataset, run, registry, settings)
    checkpoint.remove()
    return outcome


def open_start(weights: str, size: int, labels: Sequence[str], settings: TrainerSettings) -> Start:
    """The backbone that --weights names, and what it remembers of pictures of none of these classes.

    Raises:
        WeightsInvalid, DownloadFailed, or as trainer.release.reference.opened.
    """
    if weights == "imagenet":
        return Start(download_backbone(size))
    if weights not in ("release", CHAMPION):
        return Start(load_backbone(size, Path(weights)))
    with opened(weights, [TRAINING, NEGATIVES], settings) as version:
        backbone = load_backbone(size, version.file(TRAINING))
        if version.has(NEGATIVES) and fits([info.label for info in version.contract.classes], labels):
            return Start(backbone, Memory.read(version.file(NEGATIVES)))
        return Start(backbone)


def _with_use_for(start: Start, dataset: Dataset, recipe: Recipe) -> Start:
    """Leaves out what is remembered of pictures that are at hand, and all of it where the backbone will change."""
    memory = start.memory.without(dataset)
    announce_memory(len(memory.lessons), len(memory.validation), forgotten=bool(recipe.fine_tune))
    return Start(start.backbone, NOTHING if recipe.fine_tune else memory)


def _checkpoint(
    start: Start, dataset: Dataset, recipe: Recipe, seed: int, settings: TrainerSettings, resume: bool
) -> Checkpoint:
    path = checkpoint_path(
        settings.home,
        mlflow=[settings.mlflow_url, settings.experiment_name, settings.model_name],
        data=[dataset.digest, *dataset.labels],
        weights=[weights_digest(start.backbone), start.memory.digest],
        recipe=asdict(recipe),
        seed=seed,
    )
    checkpoint = Checkpoint(path)
    if resume and not checkpoint.load():
        NOTES.print("There is no run of these pictures and settings to go on with; this one starts at the beginning.")
    return checkpoint


def _learn(
    start: Start,
    dataset: Dataset,
    recipe: Recipe,
    seed: int,
    workers: int,
    watch: Watch,
    checkpoint: Checkpoint,
) -> keras.Model:
    backbone, remembered = start.backbone, start.memory.lessons
    spec = mobilenet_preprocessing(backbone.input_shape[1])
    head = train_head(backbone, dataset, recipe.head, spec, seed, workers, watch, remembered, checkpoint)
    model = assemble(backbone, head)
    for number, stage in enumerate(recipe.fine_tune, start=1):
        model = fine_tune(model, dataset, stage, (seed, number), workers, watch, checkpoint)
    return with_input_size(model, spec.height)  # a copy without the state of any optimizer


def _remember(model: keras.Model, memory: Memory, dataset: Dataset, recipe: Recipe, seed: int, workers: int) -> Memory:
    """The negatives of the data set, in the views of one epoch more, and then what was remembered before."""
    spec, stage = mobilenet_preprocessing(model.input_shape[1]), recipe.head
    backbone = model.get_layer(BACKBONE)
    return remember(backbone, dataset, spec, stage.augmentation, (seed, 0, stage.epochs), workers).joined(memory)


def _make_version(
    model: keras.Model,
    dataset: Dataset,
    memory: Memory,
    remembered: Rows,
    run: TrackedRun,
    directory: Path,
    workers: int,
) -> tuple[VersionDirectory, Evaluation]:
    """Args: memory: for the version to keep. remembered: negatives for calibration and test that have no picture."""
    spec = mobilenet_preprocessing(model.input_shape[1])
    write_models(model, directory)
    if len(memory):
        memory.write(directory / NEGATIVES_FILE)
    contract = draft_contract(directory, [class_info(label, dataset.own_names) for label in dataset.labels], spec)
    contract.provenance.run_id = run.id
    contract.provenance.dataset_digest = dataset.digest
    contract.provenance.trained_at.FromDatetime(datetime.now(UTC))
    return measure(directory, contract, dataset, workers, remembered.answers(model.get_layer(HEAD)))


def _log_start(run: TrackedRun, dataset: Dataset, weights: str, recipe: Recipe, seed: int, memory: Memory) -> None:
    spec = mobilenet_preprocessing()
    run.log_parameters(
        {
            "data": dataset.root.resolve().name,
            "more": folder_names(dataset.more),
            "negatives": folder_names(dataset.negative_folders),
            "remembered_negatives": len(memory),
            "data_digest": dataset.digest,
            "weights": Path(weights).name,
            "seed": seed,
            "preprocessing_digest": digest_of(spec),
            **asdict(recipe),
        }
    )
    run.log_dataset(dataset)
    run.log_environment()
