"""A training run, from a data set to a registered version. `train` shows its steps in order."""

import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import keras

from engine.contract import digest_of
from engine.version import NEGATIVES_FILE, SERVING_FILE
from registry.acts import Kind
from trainer.data.few import can_be_calibrated_on_validation, problems_of_few
from trainer.data.names import class_info, folder_names
from trainer.evaluation.calibration import UNCALIBRATED, UNCALIBRATED_WITH_NONE, Unseen, calibrate
from trainer.network.assembly import HEAD, assemble, is_relative_to_rest, with_input_size
from trainer.network.backbone import BACKBONE, weights_digest
from trainer.network.export import draft_contract, write_float_graph, write_models
from trainer.runs.candidate import Candidate, make_candidate, unseen_by
from trainer.runs.judge import judge
from trainer.runs.registration import Outcome, register
from trainer.runs.served_graph import choose_served_graph
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
    with context.registry.noting(Kind.TRAIN, context.dataset.folders.root.resolve().name) as act:
        outcome = _train(context, weights, resume)
        act.end(subject=f"version {outcome.version}")
    return outcome


def _train(context: RunContext, weights: str, resume: bool) -> Outcome:
    keras.utils.set_random_seed(context.seed)
    with context.progress.waiting("Loading the network to start from"):
        start = load_start(context, weights)
    checkpoint = _open_checkpoint(context, start, resume)
    with (
        tracked_run(context.registry, context.settings.experiment_name, _name(context), checkpoint.run_id) as run,
        tempfile.TemporaryDirectory(prefix="verger-") as folder,
    ):
        if not checkpoint.run_id:
            _log_inputs(context, run, weights, start)
            checkpoint.run_id = run.id
        model, unseen = _learn(context, run, start, checkpoint)
        candidate = _make_candidate(context, run, model, unseen, start, Path(folder) / "version")
        run.log_report(candidate.evaluation, context.dataset.folders.root, context.preprocessing)
        decision = judge(context, candidate, start.negatives.validation)
        problems = [*problems_of_few(context.dataset, context.recipe.fine_tune is not None)]
        outcome = register(context, run, candidate, decision, problems=problems)
    checkpoint.remove()
    return outcome


def _name(context: RunContext) -> str:
    """Returns the name of the run: "flowers, 4 classes, 147 pictures, all layers"."""
    dataset = context.dataset
    layers = "all layers" if context.recipe.fine_tune else "dense layers"
    count = len(dataset.train) + len(dataset.validation)
    return f"{dataset.folders.name}, {len(dataset.labels)} classes, {count} pictures, {layers}"


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
            "data": dataset.folders.name,
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


def _learn(
    context: RunContext, run: TrackedRun, start: StartingPoint, checkpoint: Checkpoint
) -> tuple[keras.Model, Unseen]:
    """Trains all stages of the recipe.

    Returns:
        The model without the state of any optimizer, and what cross-validation says about its training examples, if it
        is needed. Fine-tuning has none: each fold would need a whole network of its own, and the one that has learned
        all pictures knows them.
    """
    is_cross_validated = not (context.recipe.fine_tune or can_be_calibrated_on_validation(context.dataset))
    with context.progress.waiting("Dividing negatives into kinds"):
        examples = collect_examples(context, start.backbone, start.negatives.training)
    store = _store(context, examples) if context.recipe.fine_tune else None
    with context.progress.epochs() as shown:
        epochs = RecordedEpochs(run, shown, checkpoint.epochs)
        loop = TrainingLoop(epochs, checkpoint)
        head, unseen = train_head(context, loop, start.backbone, examples, is_cross_validated)
        model = assemble(start.backbone, head)
        if store:
            model = fine_tune(context, loop, model, examples, store)
    run.log_curves(epochs)
    return with_input_size(model, context.preprocessing.height), unseen


def _store(context: RunContext, examples: Examples) -> PictureStore:
    """Makes the copies that fine-tuning takes its views from, before the display of the epochs begins."""
    with context.progress.counting("Preparing pictures") as progress:
        folder = context.settings.home / "pictures"
        return PictureStore(examples.pictures, context.preprocessing, folder, context.workers, progress)


def _make_candidate(
    context: RunContext, run: TrackedRun, model: keras.Model, unseen: Unseen, start: StartingPoint, directory: Path
) -> Candidate:
    """Writes the version's files, calibrates and tests it.

    Args:
        unseen: what cross-validation says about the training examples. Where it is not needed, the validation pictures
            are enough, or as cautious as few of them must be.
    """
    dataset = context.dataset
    with context.progress.waiting("Exporting the version"):
        negatives = extract_negatives(context, model.get_layer(BACKBONE)).followed_by(start.negatives)
        graph = directory.with_name("float.onnx")
        write_float_graph(model, graph)
    served = choose_served_graph(context, graph)
    write_models(served.path, model, directory)
    if len(negatives):
        negatives.write(directory / NEGATIVES_FILE)
    classes = [class_info(label, dataset.own_names) for label in dataset.labels]
    draft = draft_contract(directory, classes, context.preprocessing, served.tolerance)
    draft.provenance.run_id = run.id
    draft.provenance.few_pictures = any(problems_of_few(dataset, context.recipe.fine_tune is not None))
    draft.provenance.dataset_digest = dataset.digest
    draft.provenance.trained_at.FromDatetime(datetime.now(UTC))
    head = model.get_layer(HEAD)
    uncalibrated = UNCALIBRATED_WITH_NONE if is_relative_to_rest(head) else UNCALIBRATED
    remembered = start.negatives.validation.logits(head)
    everything = unseen_by(context, directory / SERVING_FILE, draft, remembered).followed_by(unseen)
    is_cautious = not can_be_calibrated_on_validation(dataset)
    draft.calibration.CopyFrom(calibrate(everything, uncalibrated, is_cautious))
    return make_candidate(context, directory, draft, served, remembered)
