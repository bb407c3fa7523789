"""Reads model versions and their aliases from MLflow's registry."""

import errno
import gc
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import mlflow.artifacts
import requests
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException, RestException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.store.artifact.models_artifact_repo import ModelsArtifactRepository
from verger.v1 import model_pb2

from engine.errors import VersionUnknown
from registry.acts import Act, acts_in
from registry.aliases import CHAMPION
from registry.errors import RegistryUnavailable
from registry.runs import Curve, RunRecord

HEALTH_TIMEOUT_SECONDS = 3.0
"""Timeout of a request that asks whether MLflow answers, in seconds."""

# MLflow answers the second code for an alias that is not set. The settings rule out a malformed name.
_ABSENT = {ErrorCode.Name(RESOURCE_DOES_NOT_EXIST), ErrorCode.Name(INVALID_PARAMETER_VALUE)}


class RegistryReader:
    """One registered model in one MLflow server. All methods raise RegistryUnavailable if MLflow does not answer."""

    def __init__(self, url: str, name: str) -> None:
        """Does not connect yet."""
        self.name = name
        self.url = url.rstrip("/")
        self._client = MlflowClient(tracking_uri=url, registry_uri=url)
        mlflow.set_tracking_uri(url)  # MLflow resolves models:/ URIs by this global, whatever the client is told

    def wait(self, seconds: float = 0) -> None:
        """Returns as soon as MLflow answers.

        Raises:
            RegistryUnavailable: MLflow did not answer within `seconds`.
        """
        deadline = time.monotonic() + seconds
        while (problem := self._health_problem()) is not None:
            if time.monotonic() >= deadline:
                raise RegistryUnavailable(
                    f"MLflow does not answer at {self.url} ({problem}). Start Verger, "
                    "or set VERGER_MLFLOW_URL to its address."
                )
            time.sleep(1)

    def _health_problem(self) -> str | None:
        try:
            answer = requests.get(f"{self.url}/health", timeout=HEALTH_TIMEOUT_SECONDS)
        except requests.RequestException as error:
            return str(error)
        return None if answer.ok else f"answers {answer.status_code}"

    def champion(self) -> model_pb2.ModelRef | None:
        """Returns the live version, or None if there is no such model or it has no champion."""
        with self._mlflow_errors():
            try:
                version = self._client.get_model_version_by_alias(self.name, CHAMPION)
            except MlflowException as error:
                if isinstance(error, RestException) and error.error_code in _ABSENT:
                    return None
                raise
        return model_pb2.ModelRef(name=self.name, version=str(version.version))

    def versions(self) -> list[ModelVersion]:
        """Returns all versions, newest first; none if the model was never registered."""
        with self._mlflow_errors():
            found = self._client.search_model_versions(f"name='{self.name}'")
        return sorted(found, key=lambda version: int(version.version), reverse=True)

    def aliases(self) -> dict[str, str]:
        """Returns the version number of each alias."""
        aliases, _ = self.aliases_and_acts()
        return aliases

    def aliases_and_acts(self) -> tuple[dict[str, str], list[Act]]:
        """Returns the version number of each alias, and what people did through Verger, oldest first.

        MLflow reads them one after the other, so an alias may have moved in between.
        """
        with self._mlflow_errors():
            try:
                model = self._client.get_registered_model(self.name)
            except MlflowException as error:
                if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                    return {}, []
                raise
        return dict(model.aliases), acts_in(model.tags)

    def number_of(self, reference: str) -> str:
        """Returns the version number for a number or an alias.

        Raises:
            VersionUnknown: there is no such version.
        """
        number = self.aliases().get(reference, reference)
        self._require(number)
        return number

    def _require(self, version: str) -> None:
        numbers = [str(found.version) for found in self.versions()]
        if version not in numbers:
            raise VersionUnknown(f"{self.name} has no version {version}. It has: {', '.join(numbers) or 'none'}.")

    def tags_of(self, version: str) -> dict[str, str]:
        """Returns the tags of a version."""
        with self._mlflow_errors():
            return dict(self._client.get_model_version(self.name, version).tags)

    def record_of(self, version: str) -> RunRecord | None:
        """Returns the run that made a version, or None for an imported version."""
        with self._mlflow_errors():
            run_id = self._client.get_model_version(self.name, version).run_id
            return self._record(run_id) if run_id else None

    def _record(self, run_id: str) -> RunRecord:
        run = self._client.get_run(run_id)
        used = run.inputs.dataset_inputs if run.inputs else []
        profiles = [json.loads(data.dataset.profile or "{}") for data in used]
        return RunRecord(
            parameters=run.data.params,
            started=run.info.start_time / 1000,
            photos=sum(profile.get("train", 0) for profile in profiles),
            curves={name: self._curve(run_id, name) for name in run.data.metrics if name.startswith("val_")},
        )

    def _curve(self, run_id: str, name: str) -> Curve:
        history = {metric.step: metric for metric in self._client.get_metric_history(run_id, name)}
        return [(history[step].timestamp / 1000, history[step].value) for step in sorted(history)]

    def download(self, uri: str, destination: Path) -> None:
        """Downloads a version or a file of it into a folder.

        Args:
            uri: models:/NAME/VERSION/PATH or models:/NAME@ALIAS/PATH, with an empty PATH for all files.

        Raises:
            VersionUnknown: MLflow has no such version, or the version no such file.
            OSError: the disk of this machine is full.
        """
        destination.mkdir(parents=True, exist_ok=True)
        try:
            mlflow.artifacts.download_artifacts(uri, dst_path=str(destination))
        except (MlflowException, OSError) as error:
            # MLflow's client wraps the error of a full disk in one that says so only in its text.
            if shutil.disk_usage(destination).free < self._size_of(uri):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(destination)) from error
            raise RegistryUnavailable(f"MLflow at {self.url} failed: {error}") from error
        finally:
            gc.collect()  # MLflow's client leaves a thread pool in a reference cycle

    def _size_of(self, uri: str) -> int:
        """Asks MLflow for the bytes of what could not be downloaded, because the error of a download has no code."""
        root, path = ModelsArtifactRepository.split_models_uri(uri)  # type: ignore[no-untyped-call]
        folder = path.rpartition("/")[0]
        with self._mlflow_errors():
            try:
                sizes = {file.path: file.file_size or 0 for file in mlflow.artifacts.list_artifacts(f"{root}/{folder}")}
            except RestException as error:  # MLflow's own answer, which no proxy and no outage gives
                if error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                    raise
                sizes = {}
        if not sizes or (path and path not in sizes):
            raise VersionUnknown(
                f"{uri} is not in MLflow at {self.url}; there is {', '.join(sizes) or 'nothing'}. "
                "Verger serves versions that its trainer has registered."
            )
        return sizes[path] if path else sum(sizes.values())

    @contextmanager
    def _mlflow_errors(self) -> Iterator[None]:
        """Turns errors of MLflow's client into RegistryUnavailable."""
        try:
            yield
        except (MlflowException, requests.RequestException) as error:
            raise RegistryUnavailable(f"MLflow at {self.url} failed: {error}") from error
