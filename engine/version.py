"""A model version as a directory: written once, uploaded as it is, and the same wherever it lies.

contract.json    verger.v1.ModelContract; holds the digests of the models and the negatives below
model.onnx       for serving
model.keras      for further training, without optimizer state
negatives.npz    features of negatives to train on again (trainer.training.remembered), where there were any
evaluation.json  figures on the test pictures (trainer.evaluation.scoring.Evaluation)
MLmodel, ...     so that mlflow.onnx.load_model and mlflow.pyfunc.load_model work too

Light: imports no training library.
"""

from dataclasses import dataclass
from pathlib import Path

from verger.v1 import model_pb2

from engine.contract import CONTRACT_FILE, file_digest, read_contract
from engine.errors import ModelCorrupt, VersionUnknown

SERVING_FILE = "model.onnx"
TRAINING_FILE = "model.keras"
NEGATIVES_FILE = "negatives.npz"
EVALUATION_FILE = "evaluation.json"


@dataclass(frozen=True)
class VersionDirectory:
    """A directory whose contract was read and whose files match it."""

    path: Path
    contract: model_pb2.ModelContract

    @property
    def digest(self) -> str:
        """Identifies the content, as verger.v1.Model.digest."""
        return file_digest(self.path / CONTRACT_FILE)

    @property
    def refuses(self) -> bool:
        """Whether it was measured on pictures of none of the classes when it was made."""
        return any(name.startswith("auroc.") for name in self.contract.provenance.test_metrics)

    def file(self, role: model_pb2.ModelFile.Role) -> Path:
        """The file for a purpose. Raises ModelCorrupt when the version has none."""
        if self.has(role):
            return self.path / next(file.path for file in self.contract.files if file.role == role)
        raise ModelCorrupt(f"{self.path} holds no {model_pb2.ModelFile.Role.Name(role)} file.")

    def has(self, role: model_pb2.ModelFile.Role) -> bool:
        """Whether the version has a file for a purpose."""
        return any(file.role == role for file in self.contract.files)


def open_version(path: Path) -> VersionDirectory:
    """Reads a version's directory and checks the files that are there against their digests.

    A copy may leave out files that its reader doesn't need.

    Raises:
        VersionUnknown: there is no contract.json.
        ModelCorrupt, ContractUnsupported: see read_contract; or a file differs from its digest.
    """
    if not (path / CONTRACT_FILE).is_file():
        raise VersionUnknown(f"{path} is not the directory of a model version: it has no {CONTRACT_FILE}.")
    contract = read_contract(path / CONTRACT_FILE)
    for file in contract.files:
        if (path / file.path).is_file() and file_digest(path / file.path) != file.sha256:
            raise ModelCorrupt(f"{path / file.path} differs from its digest in {CONTRACT_FILE}. Fetch it again.")
    return VersionDirectory(path, contract)
