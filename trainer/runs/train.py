"""A training run, from a data set to a registered version. `train` shows its steps in order."""

import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import keras

from engine.contract import digest_of
from engine.version import NEGATIVES_FILE
from trainer.data.names import class_info, folder_names
from trainer.evaluation.calibration import UNCALIBRATED, UNCALIBRATED_WITH_NONE
from trainer.network.assembly import HEAD, assemble, is_relative_to_rest, with_input_size
from trainer.network.backbone import BACKBONE, weights_digest
from trainer.network.export import draft_contract, write_models
from trainer.runs.candidate import Candidate, make_candidate
from trainer.runs.judge import judge
from trainer.runs.registration import Outcome, register
from trainer.tracking.run import RecordedEpochs, TrackedRun, tracked_run
from trainer.training.checkpoint import Checkpoint, checkpoint_path
from trainer.training.context import RunContext
from trainer.training.examples import Examples, collect_examples
from trainer.training.finetune import fine_tune
from trainer.training.head import train_head
from trainer.training.learning import TrainingLoop
from trainer.training.remembered_negatives import extract_negatives
from trainer.training.start import StartingPoint, load_start
from trainer.views.store import PictureStore


def train(context: RunContext, weights: str = "release", resume: bool = False) -> Outcome:
    """Trains and registers a version, which becomes champion if it passes the gate.

    The version learns the remembered negatives of its starting point and the negatives of the data set, and remembers
    both. The same data, settings and seed give the same model, up to rounding in parallel sums.

    Args:
        weights: backbone weights, see load_start.
        resume: continue the interrupted run with the same data, settings and seed, if there is one.

    Raises:
        VergerError: an error of trainer.errors or engine.errors. Nothing was registered.
    """
    keras.utils.set_random_seed(context.seed)
    start = load_start(context, weights)
    checkpoint = _open_checkpoint(context, start, resume)
    with (
        tracked_run(context.registry, context.settings.experiment_name, checkpoint.run_id) as run,
        tempfile.TemporaryDirectory(prefix="verger-") as folder,
    ):
        if not checkpoint.run_id:
            _log_inputs(context, run, weights, start)
            checkpoint.run_id = run.id
        model = _learn(context, run, start, checkpoint)
        candidate = _make_candidate(context, run, model, start, Path(folder) / "version")
        run.log_report(candidate.evaluation, context.dataset.folders.root, context.preprocessing)
        decision = judge(context, candidate, start.negatives.validation)
        outcome = register(context, run, candidate, decision)
    checkpoint.remove()
    return outcome


def _open_checkpoint(context: RunContext, start: StartingPoint, resume: bool) -> Checkpoint:
    """Opens the checkpoint that belongs to everything that determines the run's result."""
    dataset, settings = context.dataset, context.settings
    path = checkpoint_path(
        settings.home,
        mlflow=[settings.mlflow_url, settings.experiment_name, settings.model_name],
        data=[dataset.digest, *dataset.labels],
        weights=[weights_digest(start.backbone), start.negatives.digest],
        recipe=asdict(context.recipe),
        seed=context.seed,
    )
    checkpoint = Checkpoint(path, context.progress.warn)
    if resume and not checkpoint.load():
        context.progress.note(
            "There is no interrupted run with these pictures and settings; this run starts at the beginning."
        )
    return checkpoint


def _log_inputs(context: RunContext, run: TrackedRun, weights: str, start: StartingPoint) -> None:
    dataset = context.dataset
    run.log_parameters(
        {
            "data": dataset.folders.root.resolve().name,
            "more": folder_names(dataset.folders.extra),
            "negatives": folder_names(dataset.folders.negatives),
            "remembered_negatives": len(start.negatives),
            "data_digest": dataset.digest,
            "weights": Path(weights).name,
            "seed": context.seed,
            "preprocessing_digest": digest_of(context.preprocessing),
            **asdict(context.recipe),
        }
    )
    run.log_dataset(dataset)
    run.log_environment()


def _learn(context: RunContext, run: TrackedRun, start: StartingPoint, checkpoint: Checkpoint) -> keras.Model:
    """Trains all stages of the recipe; returns the model without the state of any optimizer."""
    examples = collect_examples(context, start.backbone, start.negatives.training)
    store = _store(context, examples) if context.recipe.fine_tune else None
    with context.progress.epochs() as shown:
        epochs = RecordedEpochs(run, shown, checkpoint.epochs)
        loop = TrainingLoop(epochs, checkpoint)
        model = assemble(start.backbone, train_head(context, loop, start.backbone, examples))
        if store:
            model = fine_tune(context, loop, model, examples, store)
    run.log_curves(epochs)
    return with_input_size(model, context.preprocessing.height)


def _store(context: RunContext, examples: Examples) -> PictureStore:
    """Makes the copies that fine-tuning takes its views from, before the display of the epochs begins."""
    with context.progress.counting("Preparing pictures") as progress:
        folder = context.settings.home / "pictures"
        return PictureStore(examples.pictures, context.preprocessing, folder, context.workers, progress)


def _make_candidate(
    context: RunContext, run: TrackedRun, model: keras.Model, start: StartingPoint, directory: Path
) -> Candidate:
    """Writes the version's files, calibrates and tests it."""
    dataset = context.dataset
    negatives = extract_negatives(context, model.get_layer(BACKBONE)).followed_by(start.negatives)
    write_models(model, directory)
    if len(negatives):
        negatives.write(directory / NEGATIVES_FILE)
    classes = [class_info(label, dataset.own_names) for label in dataset.labels]
    draft = draft_contract(directory, classes, context.preprocessing)
    draft.provenance.run_id = run.id
    draft.provenance.dataset_digest = dataset.digest
    draft.provenance.trained_at.FromDatetime(datetime.now(UTC))
    head = model.get_layer(HEAD)
    fallback = UNCALIBRATED_WITH_NONE if is_relative_to_rest(head) else UNCALIBRATED
    return make_candidate(context, directory, draft, start.negatives.validation.logits(head), fallback)
