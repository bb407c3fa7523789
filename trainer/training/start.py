"""Starting point of a run: backbone weights and remembered negatives."""

from dataclasses import dataclass
from pathlib import Path

import keras
from verger.v1 import model_pb2

from registry.aliases import CHAMPION
from trainer.network.backbone import download_backbone, load_backbone
from trainer.release.reference import opened
from trainer.training.context import RunContext
from trainer.training.remembered_negatives import NO_NEGATIVES, RememberedNegatives, are_usable_for

TRAINING, NEGATIVES = model_pb2.ModelFile.ROLE_TRAINING, model_pb2.ModelFile.ROLE_NEGATIVES


@dataclass(frozen=True)
class StartingPoint:
    """Backbone that a run starts from, and negatives whose features this backbone computed."""

    backbone: keras.Model
    negatives: RememberedNegatives = NO_NEGATIVES


def load_start(context: RunContext, weights: str) -> StartingPoint:
    """Loads the backbone that `weights` names, and the negatives that the run can use.

    It leaves out remembered negatives whose pictures are in the data set, and all of them if the run fine-tunes the
    backbone or if they may show one of the data set's classes.

    Args:
        weights: "imagenet", "release", "champion", or a file that trainer.network.backbone.load_backbone reads.

    Raises:
        WeightsInvalid: the file does not exist or holds something else.
        DownloadFailed: the ImageNet weights can't be downloaded.
        VergerError: as trainer.release.reference.opened.
    """
    size = context.preprocessing.height
    if weights == "imagenet":
        return StartingPoint(download_backbone(size))
    if weights not in ("release", CHAMPION):
        return StartingPoint(load_backbone(size, Path(weights)))
    with opened(weights, [TRAINING, NEGATIVES], context.settings) as version:
        backbone = load_backbone(size, version.file(TRAINING))
        known = [info.label for info in version.contract.classes]
        if not version.has(NEGATIVES) or not are_usable_for(context.dataset.labels, known):
            return StartingPoint(backbone)
        negatives = RememberedNegatives.read(version.file(NEGATIVES)).without(context.dataset)
    _announce(context, negatives)
    return StartingPoint(backbone, NO_NEGATIVES if context.recipe.fine_tune else negatives)


def _announce(context: RunContext, negatives: RememberedNegatives) -> None:
    if not len(negatives):
        return
    counts = f"{len(negatives.training)} for training and {len(negatives.validation)} for validation"
    if context.recipe.fine_tune:
        context.progress.warn(
            f"Remembered negatives are lost ({counts}): fine-tuning changes the features that the version keeps of "
            "them. Name pictures of none of the classes with --negatives."
        )
    else:
        context.progress.note(f"Remembered negatives: {counts}.")
