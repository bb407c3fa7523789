"""Starting point of a run: backbone weights and remembered negatives."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from verger.v1 import model_pb2

from engine.model.session import OnnxSession
from registry.aliases import CHAMPION
from registry.reference import opened
from trainer.data.dataset import Dataset, Picture
from trainer.graphs.features import outputs
from trainer.network.assembly import feature_graph
from trainer.network.backbone import download_backbone, load_backbone
from trainer.training.context import RunContext
from trainer.training.remembered_negatives import NO_NEGATIVES, RememberedNegatives

MAX_COMPARED_PICTURES = 100
"""Pictures of each new class that remembered negatives are compared with."""

TRAINING, NEGATIVES = model_pb2.ModelFile.ROLE_TRAINING, model_pb2.ModelFile.ROLE_NEGATIVES


@dataclass(frozen=True)
class StartingPoint:
    """Backbone that a run starts from, and negatives whose features this backbone computed."""

    backbone: keras.Model
    negatives: RememberedNegatives = NO_NEGATIVES


def load_start(context: RunContext, weights: str) -> StartingPoint:
    """Loads the backbone that `weights` names, and the negatives that the run can use.

    It leaves out remembered negatives whose pictures are in the data set or that may show one of its classes, and all
    of them if the run fine-tunes the backbone.

    Args:
        weights: "imagenet", "release", "champion", or a file that trainer.network.backbone.load_backbone reads.

    Raises:
        WeightsInvalid: the file does not exist or holds something else.
        DownloadFailed: the ImageNet weights can't be downloaded.
        VergerError: as registry.reference.opened.
    """
    size = context.preprocessing.height
    if weights == "imagenet":
        return StartingPoint(download_backbone(size))
    if weights not in ("release", CHAMPION):
        return StartingPoint(load_backbone(size, Path(weights)))
    with opened(weights, [TRAINING, NEGATIVES], context.settings) as (_, version):
        backbone = load_backbone(size, version.file(TRAINING))
        if not version.has(NEGATIVES):
            return StartingPoint(backbone)
        known = {info.label for info in version.contract.classes}
        negatives = RememberedNegatives.read(version.file(NEGATIVES)).without(context.dataset)
    if context.recipe.fine_tune:
        _announce_loss(context, negatives)
        return StartingPoint(backbone)
    usable = _usable(context, backbone, negatives, sorted(set(context.dataset.labels) - known))
    _announce(context, usable, len(negatives) - len(usable))
    return StartingPoint(backbone, usable)


def _usable(
    context: RunContext, backbone: keras.Model, negatives: RememberedNegatives, labels: Sequence[str]
) -> RememberedNegatives:
    """Leaves out negatives that may show one of these classes, which their version did not know."""
    if not labels or not len(negatives):
        return negatives
    with feature_graph(backbone) as graph:
        runtime = OnnxSession(graph)
    classes = []
    for label in labels:
        pictures = pictures_to_compare(context.dataset, label)
        classes.append(np.stack(list(outputs(runtime, pictures, context.preprocessing, context.workers))))
    return negatives.that_show_none_of(labels, classes)


def pictures_to_compare(dataset: Dataset, label: str) -> Sequence[Picture]:
    """Returns pictures of a class: those to learn from, or those for validation where the class has no others."""
    for part in (dataset.train, dataset.validation):
        if pictures := [picture for picture in part if picture.label == label]:
            return pictures[:MAX_COMPARED_PICTURES]
    raise ValueError(f"The data set has no picture of {label}.")


def _announce(context: RunContext, negatives: RememberedNegatives, left_out: int) -> None:
    if len(negatives):
        excluded = f"; {left_out} more may show one of the classes and are left out" if left_out else ""
        context.progress.note(f"Negatives that the starting version remembers: {_counts(negatives)}{excluded}.")


def _announce_loss(context: RunContext, negatives: RememberedNegatives) -> None:
    if len(negatives):
        context.progress.warn(
            f"Remembered negatives are lost ({_counts(negatives)}): fine-tuning changes the features that the version "
            "keeps of them. Name pictures of none of the classes with --negatives."
        )


def _counts(negatives: RememberedNegatives) -> str:
    return f"{len(negatives.training)} for training and {len(negatives.validation)} for validation"
