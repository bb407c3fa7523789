"""One model version in memory: verified, warm, ready to go live."""

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
from engine.model.session import OnnxRuntime
from engine.model.tensors import scale_pixels
from engine.model.verdict import classify
from engine.version import open_version


@dataclass(frozen=True)
class LoadedModel:
    """A version that may answer calls."""

    ref: model_pb2.ModelRef
    digest: str
    contract: model_pb2.ModelContract
    preprocessing_digest: str
    runtime: OnnxRuntime
    lone_runtime: OnnxRuntime
    """The same graph, of which a call takes several cores where there are."""
    live_since: datetime

    def describe(self, refusal: model_pb2.VersionRefusal | None) -> model_pb2.Model:
        """The public description of this version."""
        model = model_pb2.Model(ref=self.ref, digest=self.digest, contract=self.contract, refusal=refusal)
        model.live_since.FromDatetime(self.live_since)
        return model

    def classify(
        self, model_input: NDArray[np.float32], top_k: int, include_evidence: bool, alone: bool = False
    ) -> classifier_pb2.Classification:
        """Answers one input of shape [height, width, 3]; see ClassifyRequest for the options.

        `alone`: no other input is under way, so that this one may have their cores. The answer is the same.
        """
        batch, runtime = model_input[None], self.lone_runtime if alone else self.runtime
        if include_evidence and self.contract.HasField("evidence"):
            logits, evidence = runtime.logits_and_evidence(batch)
            answer = classify(logits[0], self.contract, top_k)
            answer.evidence.CopyFrom(evidence_map(evidence[0]))
        else:
            answer = classify(runtime.logits(batch)[0], self.contract, top_k)
        answer.model.CopyFrom(self.ref)
        return answer


def load_model(ref: model_pb2.ModelRef, folder: Path, cores: int = 1) -> LoadedModel:
    """Loads a local copy and proves that it computes here what it computed where it was made.

    The golden samples warm the graph up as well: the first real photo is no slower than the next.
    A call that is alone may take `cores`.

    Raises:
        VersionUnknown: the folder holds no contract.
        ModelCorrupt: a file differs from its digest, can't be loaded, or gives other logits.
        ContractUnsupported: see check_contract.
    """
    version = open_version(folder)
    contract, path = version.contract, version.file(model_pb2.ModelFile.ROLE_SERVING)
    if not path.is_file():
        raise ModelCorrupt(f"{path.name} of {ref.name} version {ref.version} is missing. Fetch the version again.")
    try:
        runtime = OnnxRuntime(path)
        lone_runtime = OnnxRuntime(path, cores) if cores > 1 else runtime
    except ValueError as error:
        raise ModelCorrupt(str(error)) from error
    model = LoadedModel(
        ref,
        version.digest,
        contract,
        digest_of(contract.preprocessing),
        runtime,
        lone_runtime,
        datetime.now(UTC),
    )
    for sample in contract.golden_samples:
        for each in {runtime, lone_runtime}:
            _check_golden_sample(model, each, sample)
    return model


def _check_golden_sample(model: LoadedModel, runtime: OnnxRuntime, sample: model_pb2.GoldenSample) -> None:
    spec, grid = model.contract.preprocessing, model.contract.evidence
    batch = scale_pixels(golden_pixels(sample.seed, spec.height, spec.width), spec)[None]
    try:
        logits = runtime.logits(batch)[0]
        if model.contract.HasField("evidence"):
            _, evidence = runtime.logits_and_evidence(batch)
            if evidence.shape != (1, grid.height, grid.width):
                raise ValueError(f"its evidence has the shape {evidence.shape}")
    except Exception as error:  # a graph of other inputs or outputs than the contract's
        raise ModelCorrupt(f"The graph is not the one that the contract describes: {error}") from error
    expected = np.asarray(sample.logits, np.float32)
    if logits.shape != expected.shape or not np.allclose(logits, expected, rtol=0, atol=sample.tolerance):
        raise ModelCorrupt(
            f"Golden sample {sample.seed} gives other logits than when version {model.ref.version} was made."
        )
