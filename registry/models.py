"""Model versions in MLflow's registry, and the aliases that say what each is for.

champion    The version that is live.
previous    The champion before; rollback swaps the two.
challenger  The newest version that did not pass the gate.
"""

import gc
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path

import mlflow
import mlflow.artifacts
import requests
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, LoggedModelStatus
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST, ErrorCode
from verger.v1 import model_pb2

from engine.errors import Unavailable, VersionUnknown
from engine.version import VersionDirectory
from registry.runs import Curve, RunRecord

CHAMPION = "champion"
PREVIOUS = "previous"
CHALLENGER = "challenger"

HEALTH_SECONDS = 3.0
"""Time limit of one question whether MLflow answers."""

# MLflow answers the second one for an alias that is not set. The name can't be malformed: the settings check it.
_ABSENT = {ErrorCode.Name(RESOURCE_DOES_NOT_EXIST), ErrorCode.Name(INVALID_PARAMETER_VALUE)}


class RegistryUnavailable(Unavailable):
    """MLflow is away or answers with an error."""

    reason = "REGISTRY_UNAVAILABLE"


class Registry:
    """One registered model in one MLflow server."""

    def __init__(self, url: str, name: str) -> None:
        """Connects to nothing yet."""
        self.name = name
        self.url = url.rstrip("/")
        self._client = MlflowClient(tracking_uri=url, registry_uri=url)
        mlflow.set_tracking_uri(url)  # MLflow resolves models:/ URIs by this global, whatever is passed to it

    def wait(self, seconds: float = 0) -> None:
        """Returns once MLflow answers.

        Raises:
            RegistryUnavailable: it did not within so many seconds.
        """
        give_up = time.monotonic() + seconds
        while (problem := self._problem()) is not None:
            if time.monotonic() >= give_up:
                raise RegistryUnavailable(
                    f"MLflow does not answer at {self.url} ({problem}). Start it (./launch.sh does), "
                    "or say with VERGER_MLFLOW_URL where it is."
                )
            time.sleep(1)

    def _problem(self) -> str | None:
        try:
            answer = requests.get(f"{self.url}/health", timeout=HEALTH_SECONDS)
        except requests.RequestException as error:
            return str(error)
        return None if answer.ok else f"answers {answer.status_code}"

    def champion(self) -> model_pb2.ModelRef | None:
        """The live version; None when there is no such model or it has no champion.

        Raises:
            RegistryUnavailable: MLflow does not answer.
        """
        with self._asking():
            try:
                version = self._client.get_model_version_by_alias(self.name, CHAMPION)
            except MlflowException as error:
                if error.error_code in _ABSENT:
                    return None
                raise
        return model_pb2.ModelRef(name=self.name, version=str(version.version))

    def versions(self) -> list[ModelVersion]:
        """All versions, newest first. Empty when the model was never registered."""
        with self._asking():
            found = self._client.search_model_versions(f"name='{self.name}'")
        return sorted(found, key=lambda version: int(version.version), reverse=True)

    def experiment_id(self, name: str) -> str:
        """The experiment of this name, made where there is none."""
        with self._asking():
            found = self._client.get_experiment_by_name(name)
            # The tag makes MLflow's pages start with training runs and not with conversations of language models.
            tags = {"mlflow.experimentKind": "custom_model_development"}
            return str(found.experiment_id if found else self._client.create_experiment(name, tags=tags))

    def aliases(self) -> dict[str, str]:
        """The version that each alias names now."""
        with self._asking():
            try:
                return dict(self._client.get_registered_model(self.name).aliases)
            except MlflowException as error:
                if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                    return {}
                raise

    def register(
        self,
        directory: Path,
        tags: Mapping[str, str],
        experiment_name: str,
        run_id: str | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> str:
        """Uploads a version's directory and adds it to the registry; returns its version number.

        The version comes into being last: whatever fails before leaves none.

        Args:
            run_id: the run that made the version. metrics: of its test, shown in MLflow beside run and model.
        """
        with self._asking():
            model_id = self._upload(directory, experiment_name, run_id)
            if run_id:
                self._client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
                for name, value in (metrics or {}).items():
                    self._client.log_metric(run_id, f"test_{name}", value, model_id=model_id)
            with redirect_stderr(StringIO()):  # it tells what the caller tells better
                version = mlflow.register_model(f"models:/{model_id}", self.name, tags=dict(tags))
        return str(version.version)

    def _upload(self, directory: Path, experiment_name: str, run_id: str | None) -> str:
        model = self._client.create_logged_model(
            self.experiment_id(experiment_name),
            name=self.name,
            source_run_id=run_id,
            params=self._client.get_run(run_id).data.params if run_id else None,
            model_type="classifier",
        )
        status = LoggedModelStatus.FAILED
        try:
            self._client.log_model_artifacts(model.model_id, str(directory))
            status = LoggedModelStatus.READY
        finally:
            self._client.finalize_logged_model(model.model_id, status)
        return str(model.model_id)

    def promote(self, version: str) -> str | None:
        """Makes a version champion; returns the champion before, which becomes `previous`.

        Raises:
            VersionUnknown: there is no such version.
        """
        self._require(version)
        aliases = self.aliases()
        before = aliases.get(CHAMPION)
        with self._asking():
            if before and before != version:
                self._client.set_registered_model_alias(self.name, PREVIOUS, before)
            self._client.set_registered_model_alias(self.name, CHAMPION, version)  # from here on it is live
            if aliases.get(CHALLENGER) == version:
                self._client.delete_registered_model_alias(self.name, CHALLENGER)
        return before

    def challenge(self, version: str) -> None:
        """Marks a version that did not pass the gate."""
        with self._asking():
            self._client.set_registered_model_alias(self.name, CHALLENGER, version)

    def rollback(self) -> tuple[str, str]:
        """Makes the previous champion champion again; returns the old and the new champion's version.

        Raises:
            VersionUnknown: there is no previous champion.
        """
        aliases = self.aliases()
        champion, previous = aliases.get(CHAMPION), aliases.get(PREVIOUS)
        if champion is None or previous is None:
            raise VersionUnknown(f"{self.name} has no previous champion to go back to. See `promote`.")
        self.promote(previous)
        return champion, previous

    def number_of(self, reference: str) -> str:
        """The version that a number or an alias names.

        Raises:
            VersionUnknown: there is none.
        """
        number = self.aliases().get(reference, reference)
        self._require(number)
        return number

    def _require(self, version: str) -> None:
        numbers = [str(found.version) for found in self.versions()]
        if version not in numbers:
            raise VersionUnknown(f"{self.name} has no version {version}. It has: {', '.join(numbers) or 'none'}.")

    def tags_of(self, version: str) -> dict[str, str]:
        """What a version was registered with."""
        with self._asking():
            return dict(self._client.get_model_version(self.name, version).tags)

    def record_of(self, version: str) -> RunRecord | None:
        """The run that made a version; None for an imported one."""
        with self._asking():
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
        """Fetches an artifact, a file or a directory, into a folder.

        Raises:
            VersionUnknown: MLflow does not know it.
        """
        try:
            mlflow.artifacts.download_artifacts(uri, dst_path=str(destination))
        except (MlflowException, OSError) as error:
            self.wait()
            raise VersionUnknown(f"{uri} is not in MLflow at {self.url}: {error}") from error
        finally:
            gc.collect()  # MLflow's client leaves a pool of threads in a reference cycle

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except (MlflowException, requests.RequestException) as error:
            raise RegistryUnavailable(f"MLflow at {self.url} did not do as asked: {error}") from error


def version_tags(version: VersionDirectory, gate: str, reason: str) -> dict[str, str]:
    """What MLflow shows beside a version at first sight.

    Args:
        gate: "passed" or "failed". reason: a sentence for people.
    """
    metrics = version.contract.provenance.test_metrics
    return {
        "digest": version.digest,
        "accuracy": f"{metrics['accuracy']:.4f}" if "accuracy" in metrics else "unknown",
        "gate": gate,
        "gate_reason": reason,
    }
