"""Loads a model version from its directory, and checks it before it may answer."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from verger.v1 import classifier_pb2, model_pb2

from engine.contract import digest_of
from engine.errors import ModelCorrupt
from engine.model.evidence import evidence_map
from engine.model.golden import golden_pixels
from engine.model.session import OnnxSession
from engine.model.tensors import scale_pixels
from engine.model.verdict import classify, finite
from engine.version import open_version


@dataclass(frozen=True)
class LoadedModel:
    """A verified version in memory. Several threads may share it."""

    ref: model_pb2.ModelRef
    digest: str
    """SHA-256 of contract.json, see verger.v1.Model.digest."""

    contract: model_pb2.ModelContract
    preprocessing_digest: str
    """Digest of contract.preprocessing, see verger.v1.InferRequest.preprocessing_digest."""

    session: OnnxSession
    """Uses one core for each call, so that calls run side by side."""

    multicore_session: OnnxSession
    """The same graph with several cores for one call. The same object as `session` when there is one core."""

    live_since: datetime

    def describe(self, refusal: model_pb2.VersionRefusal | None) -> model_pb2.Model:
        """Returns the public description of this version, with the newest refused version if there is one."""
        model = model_pb2.Model(ref=self.ref, digest=self.digest, contract=self.contract, refusal=refusal)
        model.live_since.FromDatetime(self.live_since)
        return model

    def classify(
        self, model_input: NDArray[np.float32], top_k: int, include_evidence: bool, multicore: bool = False
    ) -> classifier_pb2.Classification:
        """Classifies one photo.

        Args:
            model_input: float32 of shape [height, width, 3].
            top_k, include_evidence: see verger.v1.ClassifyRequest.
            multicore: whether to use several cores. It is faster only while no other call is in progress. The answer
                is the same.
        """
        if include_evidence and self.contract.HasField("evidence"):
            logits, evidence = self._session_for(multicore).logits_and_evidence(model_input[None])
            answer = classify(logits[0], self.contract, top_k)
            answer.evidence.CopyFrom(evidence_map(evidence[0]))
        else:
            answer = classify(self.logits(model_input, multicore), self.contract, top_k)
        answer.model.CopyFrom(self.ref)
        return answer

    def logits(self, model_input: NDArray[np.float32], multicore: bool = False) -> NDArray[np.float32]:
        """Computes the logits of one photo, float32 of shape [classes]. The arguments are those of `classify`.

        Raises:
            LogitsNotFinite: a logit is infinite or not a number.
        """
        return finite(self._session_for(multicore).logits(model_input[None])[0])

    def _session_for(self, multicore: bool) -> OnnxSession:
        return self.multicore_session if multicore else self.session


def load_model(ref: model_pb2.ModelRef, folder: Path, cores: int = 1) -> LoadedModel:
    """Loads a version and checks that its graph gives the same logits here as where it was made.

    The check with golden samples also warms up the graph, so that the first real photo is as fast as the next.

    Args:
        ref: name and version for answers and messages.
        folder: the directory of the version.
        cores: cores that a call with multicore=True may use, at least 1.

    Raises:
        VersionUnknown: the folder has no contract.
        ModelCorrupt: a file is missing, differs from its digest, can't be loaded, or gives other logits.
        ContractUnsupported: see engine.contract.check_contract.
    """
    version = open_version(folder)
    contract, path = version.contract, version.file(model_pb2.ModelFile.ROLE_SERVING)
    if not path.is_file():
        raise ModelCorrupt(f"{path.name} of {ref.name} version {ref.version} is missing. Fetch the version again.")
    try:
        session = OnnxSession(path)
        multicore_session = OnnxSession(path, cores) if cores > 1 else session
    except ValueError as error:
        raise ModelCorrupt(str(error)) from error
    model = LoadedModel(
        ref,
        version.digest,
        contract,
        digest_of(contract.preprocessing),
        session,
        multicore_session,
        datetime.now(UTC),
    )
    for sample in contract.golden_samples:
        for each in {session, multicore_session}:
            _check_golden_sample(model, each, sample)
    return model


def _check_golden_sample(model: LoadedModel, session: OnnxSession, sample: model_pb2.GoldenSample) -> None:
    spec, grid = model.contract.preprocessing, model.contract.evidence
    batch = scale_pixels(golden_pixels(sample.seed, spec.height, spec.width), spec)[None]
    try:
        logits = session.logits(batch)[0]
        if model.contract.HasField("evidence"):
            _, evidence = session.logits_and_evidence(batch)
            if evidence.shape != (1, grid.height, grid.width):
                raise ValueError(f"its evidence has the shape {evidence.shape}")
    except Exception as error:  # the graph has other inputs or outputs than the contract says
        raise ModelCorrupt(f"The graph is not the one that the contract describes: {error}") from error
    expected = np.asarray(sample.logits, np.float32)
    if logits.shape != expected.shape or not np.allclose(logits, expected, rtol=0, atol=sample.tolerance):
        raise ModelCorrupt(
            f"Golden sample {sample.seed} gives other logits here than when version {model.ref.version} was made."
        )
