"""Classifies a whole photo in one call, from its bytes to the answer.

    classifier = load(Path("models/fruit-classifier"))
    answer = classifier.classify(Path("banana.jpg").read_bytes())
    print(answer.predictions[0].label, answer.predictions[0].probability)

The services run the same code in two processes. Scripts, benchmarks and bulk jobs call this module.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from verger.v1 import classifier_pb2, model_pb2

from engine.model.loading import LoadedModel, load_model
from engine.model.tensors import scale_pixels
from engine.photo.decoding import preprocess
from engine.photo.opening import Limits


@dataclass(frozen=True)
class Classifier:
    """A verified model version that classifies photos. Several threads may share one classifier."""

    model: LoadedModel
    limits: Limits

    def classify(self, photo: bytes, top_k: int = 0, include_evidence: bool = False) -> classifier_pb2.Classification:
        """Classifies one encoded photo.

        Args:
            photo: the content of a file in one of the formats of engine.photo.opening.FORMATS.
            top_k: number of predictions in the answer, best first; 0 returns all classes.
            include_evidence: whether the answer shows which parts of the photo speak for its first prediction. Only a
                model whose contract has an evidence grid can tell.

        Raises:
            InvalidArgument: one of the Image... errors of engine.errors.
        """
        spec = self.model.contract.preprocessing
        pixels = np.asarray(preprocess(photo, spec, self.limits))
        return self.model.classify(scale_pixels(pixels, spec), top_k, include_evidence, multicore=True)


def load(folder: Path, limits: Limits | None = None, cores: int = 1) -> Classifier:
    """Loads the model version in a folder and verifies it against its digests and golden samples.

    Answers name the folder as their model. Their version number is empty, because only a registry gives numbers.

    Args:
        folder: the directory of a version, such as models/fruit-classifier.
        limits: largest photos to accept; None takes the defaults of Limits.
        cores: cores that the forward pass of one photo may use, at least 1.

    Raises:
        VersionUnknown, ModelCorrupt, ContractUnsupported: see engine.model.loading.load_model.
    """
    ref = model_pb2.ModelRef(name=folder.resolve().name)
    return Classifier(load_model(ref, folder, cores), limits or Limits())
