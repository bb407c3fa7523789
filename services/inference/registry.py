"""MLflow, as far as inference needs it: which version is champion, and its files."""

import gc
import os
from pathlib import Path

import mlflow
import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from verger.v1 import model_pb2

from services.common.errors import Unavailable

# MLflow's own defaults retry for minutes before they say that nobody is there; the next poll is our retry.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


class RegistryUnavailable(Unavailable):
    """MLflow is away or answers with an error."""

    reason = "REGISTRY_UNAVAILABLE"


class Registry:
    """One alias of one registered model. All methods block: call them on a thread."""

    def __init__(self, url: str, name: str, alias: str) -> None:
        """Connects to nothing yet. Whole models are looked up through MLflow's one setting for the whole process."""
        mlflow.set_tracking_uri(url)
        self.name = name
        self._url = url
        self._alias = alias
        self._client = MlflowClient()

    def champion(self) -> model_pb2.ModelRef | None:
        """The version that the alias names now; None when there is no such model or alias.

        Raises:
            RegistryUnavailable: MLflow does not answer.
        """
        try:
            version = self._client.get_model_version_by_alias(self.name, self._alias)
        except MlflowException as error:
            if _says_absent(error):
                return None
            raise RegistryUnavailable(f"MLflow at {self._url} does not answer: {error}") from error
        return model_pb2.ModelRef(name=self.name, version=str(version.version))

    def download(self, ref: model_pb2.ModelRef, path: str, destination: Path) -> None:
        """Fetches one file of a version into a folder.

        Raises:
            RegistryUnavailable: MLflow does not answer, or has no such file.
        """
        uri = f"models:/{ref.name}/{ref.version}/{path}"
        try:
            mlflow.artifacts.download_artifacts(uri, dst_path=str(destination))
        except (MlflowException, OSError) as error:
            raise RegistryUnavailable(f"{uri} can't be fetched from MLflow at {self._url}: {error}") from error
        finally:
            gc.collect()  # MLflow's client leaves a pool of threads in a reference cycle


def _says_absent(error: MlflowException) -> bool:
    absent = {ErrorCode.Name(RESOURCE_DOES_NOT_EXIST), "NOT_FOUND"}
    # For an alias that is not set MLflow answers INVALID_PARAMETER_VALUE, as it does for a malformed name.
    return error.error_code in absent or "alias" in str(error).lower()
