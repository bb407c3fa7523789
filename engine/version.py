"""The directory of a model version. It is written once and never changed; the registry stores it as it is.

contract.json    verger.v1.ModelContract, with the digests of the next three files
model.onnx       the graph that serving runs
model.keras      the model for further training, without optimizer state
negatives.npz    remembered negatives: features to train on again (trainer.training.remembered_negatives); optional
evaluation.json  figures on the test pictures (trainer.evaluation.figures.Evaluation)
MLmodel, ...     metadata for mlflow.onnx.load_model and mlflow.pyfunc.load_model
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
    """The directory of a version whose contract was checked and whose files match their digests."""

    path: Path
    contract: model_pb2.ModelContract

    @property
    def digest(self) -> str:
        """SHA-256 of contract.json in lower-case hexadecimal, which identifies the content (verger.v1.Model.digest)."""
        return file_digest(self.path / CONTRACT_FILE)

    @property
    def was_tested_on_negatives(self) -> bool:
        """Whether its test metrics include negatives, that is, pictures that show none of the classes."""
        return any(name.startswith("auroc.") for name in self.contract.provenance.test_metrics)

    @property
    def parts_elsewhere(self) -> list[str]:
        """Parts of pictures from other collections than its training pictures that it was tested on."""
        prefix = "accuracy."
        metrics = self.contract.provenance.test_metrics
        return [name.removeprefix(prefix) for name in sorted(metrics) if name.startswith(prefix)]

    def file(self, role: model_pb2.ModelFile.Role) -> Path:
        """Returns the path of the file with a role.

        Raises:
            ModelCorrupt: the contract lists no file with this role.
        """
        if self.has(role):
            return self.path / next(file.path for file in self.contract.files if file.role == role)
        raise ModelCorrupt(f"{self.path} has no {model_pb2.ModelFile.Role.Name(role)} file.")

    def has(self, role: model_pb2.ModelFile.Role) -> bool:
        """Returns whether the contract lists a file with a role."""
        return any(file.role == role for file in self.contract.files)


def open_version(path: Path) -> VersionDirectory:
    """Reads the directory of a version and checks its files against their digests.

    Files may be missing, because a copy for serving leaves out what only training needs.

    Raises:
        VersionUnknown: the directory has no contract.json.
        ModelCorrupt: the contract can't be read, or a file differs from its digest.
        ContractUnsupported: see engine.contract.check_contract.
    """
    if not (path / CONTRACT_FILE).is_file():
        raise VersionUnknown(f"{path} is not the directory of a model version; it has no {CONTRACT_FILE}.")
    contract = read_contract(path / CONTRACT_FILE)
    for file in contract.files:
        if (path / file.path).is_file() and file_digest(path / file.path) != file.sha256:
            raise ModelCorrupt(f"{path / file.path} differs from its digest in {CONTRACT_FILE}. Fetch it again.")
    return VersionDirectory(path, contract)
