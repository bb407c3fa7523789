"""Makes an int8 version of a registered float version and registers it.

Calibration, test and golden samples are computed with the int8 graph. The files for further training are copied from
the float version: the Keras model, and the remembered negatives, which are features of that model's backbone. An int8
graph can't process these features, so refusal is compared on pictures only.
"""

import shutil
import tempfile
from pathlib import Path

from verger.v1 import model_pb2

from engine.contract import digest_of
from engine.model.tensors import scale_pixels
from engine.version import SERVING_FILE
from registry.models import Registry
from trainer.data.few import can_be_calibrated_on_validation
from trainer.data.names import folder_names
from trainer.data.pictures import map_in_threads, read_pixels
from trainer.errors import DatasetInvalid, VersionQuantised
from trainer.evaluation.calibration import calibrate
from trainer.graphs.int8 import SETTINGS, is_quantised, quantise_graph, rounding_noise
from trainer.network.export import GOLDEN_TOLERANCE, draft_contract, golden_batch, write_graph
from trainer.runs.candidate import make_candidate, unseen_by
from trainer.runs.judge import RegisteredVersion, judge_quantised
from trainer.runs.registration import Outcome, register
from trainer.tracking.run import TrackedRun, tracked_run
from trainer.training.context import RunContext

SERVING = model_pb2.ModelFile.ROLE_SERVING
ROLES = (SERVING, model_pb2.ModelFile.ROLE_TRAINING, model_pb2.ModelFile.ROLE_NEGATIVES)
"""Files of the float version that quantising needs, as far as the version has them."""

RANGE_PICTURES = 100
"""Training pictures that the ranges of activations are measured on; 200 are no more accurate."""
NOISE_MARGIN = 4
"""Tolerance of the golden samples over the rounding noise on this machine.

It is twice the largest ratio seen when inputs were scaled by 1 + 1e-7 to 1 + 1e-5.
"""


def refuse_quantised(parent: RegisteredVersion, registry: Registry, trainer_command: str) -> None:
    """Raises VersionQuantised, which says how to go on (`trainer_command`), if a version is quantised already."""
    if is_quantised(parent.directory.file(SERVING)):
        origin = registry.tags_of(parent.number).get("quantised_from")  # an imported release has no such tag
        hint = (
            f"Name version {origin}, which it was made from."
            if origin
            else f"Train a version from it ({trainer_command} train --data DIR --weights champion) and name that one."
        )
        raise VersionQuantised(f"Version {parent.number} of {registry.name} is quantised already. {hint}")


def quantise(context: RunContext, parent: RegisteredVersion) -> Outcome:
    """Quantises and registers; the version becomes champion if it passes the gate and is worth its loss.

    The same data and version give the same graph. Activation ranges are measured on the first training pictures by
    digest, a random sample that needs no seed.

    Args:
        parent: float version with the files of ROLES.

    Raises:
        DatasetInvalid: DATA_CLASSES_DIFFER, the data set has other classes than the version.
        VergerError: another error of trainer.errors or engine.errors. Nothing was registered.
    """
    _refuse_other_classes(context, parent)
    with (
        tracked_run(context.registry, context.settings.experiment_name, _name(parent)) as run,
        tempfile.TemporaryDirectory(prefix="verger-") as folder,
    ):
        _log_inputs(context, run, parent)
        directory, contract = Path(folder) / "version", parent.directory.contract
        draft = _write_version(context, parent, directory)
        draft.provenance.CopyFrom(contract.provenance)
        draft.provenance.run_id = run.id
        draft.provenance.test_metrics.clear()
        draft.calibration.CopyFrom(_calibration(context, directory / SERVING_FILE, draft, contract))
        candidate = make_candidate(context, directory, draft)
        run.log_report(candidate.evaluation, context.dataset.folders.root, contract.preprocessing)
        decision = judge_quantised(context, candidate, parent)
        few = context.registry.tags_of(parent.number).get("few_pictures")
        return register(context, run, candidate, decision, {"quantised_from": parent.number}, [few] if few else [])


def _name(parent: RegisteredVersion) -> str:
    return f"version {parent.number} in 8-bit integers"


def _calibration(
    context: RunContext, graph: Path, draft: model_pb2.ModelContract, parent: model_pb2.ModelContract
) -> model_pb2.Calibration:
    """Calibrates anew, by the score of the float version where there are few negatives to choose one.

    With few validation pictures the float version's calibration is the better one: it was cross-validated.
    """
    if not can_be_calibrated_on_validation(context.dataset):
        return parent.calibration
    return calibrate(unseen_by(context, graph, draft), parent.calibration)


def _write_version(context: RunContext, parent: RegisteredVersion, directory: Path) -> model_pb2.ModelContract:
    """Writes the int8 graph and copies the other files; returns the draft of the contract."""
    source = parent.directory
    spec, classes = source.contract.preprocessing, source.contract.classes
    with tempfile.TemporaryDirectory(prefix="verger-") as folder, context.progress.waiting("Quantising"):
        graph, pictures = Path(folder) / SERVING_FILE, context.dataset.train[:RANGE_PICTURES]
        pixels = map_in_threads(lambda picture: read_pixels(picture.path, spec), pictures, context.workers)
        quantise_graph(source.file(SERVING), (scale_pixels(picture, spec)[None] for picture in pixels), graph)
        write_graph(graph, directory, (spec.height, spec.width), len(classes))
    for file in source.contract.files:
        if file.role != SERVING:
            shutil.copyfile(source.path / file.path, directory / file.path)
    noise = rounding_noise(directory / SERVING_FILE, golden_batch(spec))
    return draft_contract(directory, classes, spec, max(GOLDEN_TOLERANCE, NOISE_MARGIN * noise))


def _refuse_other_classes(context: RunContext, parent: RegisteredVersion) -> None:
    known = {info.label for info in parent.directory.contract.classes}
    if differing := sorted(known.symmetric_difference(context.dataset.labels)):
        raise DatasetInvalid(
            "DATA_CLASSES_DIFFER",
            f"{context.dataset.folders.root} and version {parent.number} must have the same classes, but only one of "
            f"them has {', '.join(differing)}.",
        )


def _log_inputs(context: RunContext, run: TrackedRun, parent: RegisteredVersion) -> None:
    dataset = context.dataset
    run.log_parameters(
        {
            "quantised_from": parent.number,
            "quantised_digest": parent.directory.digest,
            "data": dataset.folders.root.resolve().name,
            "negatives": folder_names(dataset.folders.negatives),
            "data_digest": dataset.digest,
            "preprocessing_digest": digest_of(context.preprocessing),
            "range_pictures": RANGE_PICTURES,
            **SETTINGS,
        }
    )
    run.log_dataset(dataset)
    run.log_environment()
