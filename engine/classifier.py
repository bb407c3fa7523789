"""A whole photo in one call: from its bytes to a classification.

    classifier = load(Path("models/fruit-classifier"))
    answer = classifier.classify(Path("banana.jpg").read_bytes())
    print(answer.predictions[0].label, answer.predictions[0].probability)

The services run the same two halves in two processes; this is what the trainer, the benchmarks and scripts call.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from verger.v1 import classifier_pb2, model_pb2

from engine.model.loading import LoadedModel, load_model
from engine.model.tensors import scale_pixels
from engine.photo.decoding import Limits, preprocess


@dataclass(frozen=True)
class Classifier:
    """A verified model version that answers for whole photos. Threads may share it."""

    model: LoadedModel
    limits: Limits

    def classify(self, photo: bytes, top_k: int = 0, include_evidence: bool = False) -> classifier_pb2.Classification:
        """Answers one encoded photo.

        Args:
            photo: the bytes of a file in one of the formats of engine.photo.decoding.FORMATS.
            top_k: number of predictions in the answer; 0 means all classes.
            include_evidence: whether the answer says which parts of the photo speak for it.

        Raises:
            InvalidArgument: one of the Image... errors of engine.errors.
        """
        spec = self.model.contract.preprocessing
        pixels = np.asarray(preprocess(photo, spec, self.limits))
        return self.model.classify(scale_pixels(pixels, spec), top_k, include_evidence)


def load(folder: Path, limits: Limits | None = None, threads: int = 1) -> Classifier:
    """Loads the model version in a folder and verifies it against its digests and golden samples.

    Args:
        folder: a version's directory, such as models/fruit-classifier.
        limits: what is refused before it is decoded; None means the defaults of Limits.
        threads: cores that the forward pass of one photo may use.

    Raises:
        VersionUnknown, ModelCorrupt, ContractUnsupported: see engine.model.loading.load_model.
    """
    ref = model_pb2.ModelRef(name=folder.resolve().name)
    return Classifier(load_model(ref, folder, threads), limits or Limits())
