"""From a registered version to one of the same network in 8-bit integers, registered as a version of its own.

What is measured of it is measured with its own graph: calibration, test, golden samples. What further training starts
from stays the float version's, file by file: the Keras model, and the negatives that are remembered as the features of
that model's backbone. Such features can't be shown to a quantised graph, so refusal is compared on pictures only.
"""

import shutil
import tempfile
from pathlib import Path

from verger.v1 import model_pb2

from engine.contract import digest_of
from engine.model.tensors import scale_pixels
from engine.version import SERVING_FILE, VersionDirectory
from registry.models import Registry
from trainer.cli.console import counting
from trainer.config import TrainerSettings
from trainer.data.dataset import Dataset
from trainer.data.names import folder_names
from trainer.data.pictures import map_in_threads, read_pixels
from trainer.errors import DatasetInvalid, VersionQuantised
from trainer.network.export import GOLDEN_TOLERANCE, draft_contract, golden_batch, write_graph
from trainer.network.int8 import SETTINGS, is_quantised, quantise_graph, rounding_noise
from trainer.tracking.run import TrackedRun, tracked_run
from trainer.training.candidate import Outcome, measure, register
from trainer.training.judge import judge_quantised

ROLES = (
    model_pb2.ModelFile.ROLE_SERVING,
    model_pb2.ModelFile.ROLE_TRAINING,
    model_pb2.ModelFile.ROLE_NEGATIVES,
)

RANGE_PICTURES = 100
"""Training pictures that the ranges of activations are measured on; 200 give no better answers."""
NOISE_MARGIN = 4
"""Golden logits may differ by so many times what another way of rounding makes of them here: twice the most that was
seen when inputs were scaled by 1 + 1e-7 to 1 + 1e-5."""


def refuse_quantised(parent: VersionDirectory, number: str, registry: Registry) -> None:
    """Raises VersionQuantised when a version can't be quantised because it is already."""
    if is_quantised(parent.file(model_pb2.ModelFile.ROLE_SERVING)):
        origin = registry.tags_of(number).get("quantised_from")  # a release that was imported has no such tag
        hint = (
            f"Name version {origin}, which it was made from."
            if origin
            else "Train a version from it (python -m trainer train --data DIR --weights champion) and name that one."
        )
        raise VersionQuantised(f"Version {number} of {registry.name} is quantised already. {hint}")


def quantise(
    parent: VersionDirectory, number: str, dataset: Dataset, registry: Registry, settings: TrainerSettings
) -> Outcome:
    """Quantises, registers, and makes the version champion if it passes the gate and is worth it.

    Same data, same version: same graph. The pictures that ranges are measured on are the first by digest, a random
    sample that needs no seed.

    Args:
        parent: a float version with all files of ROLES that it has. number: its own in the registry.

    Raises:
        DatasetInvalid: DATA_CLASSES_DIFFER, the data set has other classes than the version.
        VergerError: another one of trainer.errors or services.common.errors. Nothing was registered.
    """
    _refuse_other_classes(parent.contract, number, dataset)
    with (
        tracked_run(registry, settings.experiment_name) as run,
        tempfile.TemporaryDirectory(prefix="verger-") as folder,
    ):
        _log_start(run, parent, number, dataset)
        directory, workers = Path(folder) / "version", settings.trainer_workers
        draft = _write_version(parent, dataset, directory, workers)
        draft.provenance.CopyFrom(parent.contract.provenance)
        draft.provenance.run_id = run.id
        draft.provenance.test_metrics.clear()
        version, evaluation = measure(directory, draft, dataset, workers, before=parent.contract.calibration)
        run.log_report(evaluation, dataset.root)
        decision = judge_quantised(version, evaluation, parent, number, dataset, registry, settings)
        tags = {"quantised_from": number}
        return register(version, evaluation, decision, dataset, run, registry, settings, tags)


def _write_version(
    parent: VersionDirectory, dataset: Dataset, directory: Path, workers: int
) -> model_pb2.ModelContract:
    """Makes the directory with the quantised graph and the parent's other files; returns the draft of its contract."""
    spec, classes = parent.contract.preprocessing, parent.contract.classes
    with tempfile.TemporaryDirectory(prefix="verger-") as folder, counting("Quantising"):
        graph, pictures = Path(folder) / SERVING_FILE, dataset.train[:RANGE_PICTURES]
        pixels = map_in_threads(lambda picture: read_pixels(picture.path, spec), pictures, workers)
        quantise_graph(
            parent.file(model_pb2.ModelFile.ROLE_SERVING),
            (scale_pixels(picture, spec)[None] for picture in pixels),
            graph,
        )
        write_graph(graph, directory, (spec.height, spec.width), len(classes))
    for file in parent.contract.files:
        if file.role != model_pb2.ModelFile.ROLE_SERVING:
            shutil.copyfile(parent.path / file.path, directory / file.path)
    noise = rounding_noise(directory / SERVING_FILE, golden_batch(spec))
    return draft_contract(directory, classes, spec, max(GOLDEN_TOLERANCE, NOISE_MARGIN * noise))


def _refuse_other_classes(contract: model_pb2.ModelContract, number: str, dataset: Dataset) -> None:
    known = {info.label for info in contract.classes}
    if known != set(dataset.labels):
        differing = ", ".join(sorted(known.symmetric_difference(dataset.labels)))
        raise DatasetInvalid(
            "DATA_CLASSES_DIFFER",
            f"{dataset.root} and version {number} must have the same classes, but only one of them has {differing}.",
        )


def _log_start(run: TrackedRun, parent: VersionDirectory, number: str, dataset: Dataset) -> None:
    run.log_parameters(
        {
            "quantised_from": number,
            "quantised_digest": parent.digest,
            "data": dataset.root.resolve().name,
            "negatives": folder_names(dataset.negative_folders),
            "data_digest": dataset.digest,
            "preprocessing_digest": digest_of(parent.contract.preprocessing),
            "range_pictures": RANGE_PICTURES,
            **SETTINGS,
        }
    )
    run.log_dataset(dataset)
    run.log_environment()
