"""Records a run in MLflow: parameters, curves, reports, the data set, the environment and the final status."""

import csv
import json
import platform
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import mlflow
import requests
from mlflow import MlflowClient
from mlflow.entities import Dataset as DatasetInfo
from mlflow.entities import DatasetInput, InputTag, Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE
from verger.v1 import model_pb2

from registry.errors import RegistryUnavailable
from registry.models import Registry
from trainer.data.dataset import Dataset
from trainer.data.pictures import batches
from trainer.evaluation.figures import Evaluation
from trainer.progress import EpochProgress
from trainer.tracking.report import confusion_figure, contact_sheet, curves_figure, reliability_figure

# Limits above which MLflow refuses a request.
_MAX_DIGEST_CHARACTERS = 36
_MAX_PARAMETERS = 100


class TrackedRun:
    """One run in MLflow."""

    def __init__(self, client: MlflowClient, run_id: str, experiment_id: str) -> None:
        self.id = run_id
        self.experiment_id = experiment_id
        self._client = client

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Logs parameters; nested mappings and lists get dotted names."""
        for batch in batches(_flatten(parameters), _MAX_PARAMETERS):
            self._client.log_batch(self.id, params=[Param(name, str(value)) for name, value in batch])

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Logs metrics of an epoch (`step`, from 1) or of the whole run (0)."""
        now = int(time.time() * 1000)
        self._client.log_batch(self.id, [Metric(name, value, now, step) for name, value in metrics.items()])

    def log_dataset(self, dataset: Dataset) -> None:
        """Logs the digest of the data, the size of its parts, and the files that were left out."""
        counts = {
            part: len(getattr(dataset, part)) for part in ("train", "validation", "test", "overlap", "contradictions")
        }
        origin = dataset.folders.origin
        info = DatasetInfo(
            name=dataset.folders.name,
            digest=dataset.digest[:_MAX_DIGEST_CHARACTERS],
            source_type="collection" if origin else "local",
            source=json.dumps({"uri": origin.reference if origin else str(dataset.folders.root)}),
            profile=json.dumps(
                {
                    **counts,
                    "digest": dataset.digest,
                    **({"version_digest": origin.digest, "deleted": origin.deleted} if origin else {}),
                }
            ),
        )
        self._client.log_inputs(self.id, [DatasetInput(info, [InputTag("mlflow.data.context", "training")])])
        self._client.log_dict(
            self.id,
            {
                "digest": dataset.digest,
                "labels": list(dataset.labels),
                "pictures": counts,
                "overlap": [{"test": pair.test.short_name, "train": pair.train.short_name} for pair in dataset.overlap],
                "contradictions": [
                    [picture.short_name for picture in found.copies] for found in dataset.contradictions
                ],
                "unreadable": {f"{file.path.parent.name}/{file.path.name}": file.reason for file in dataset.unreadable},
            },
            "dataset.json",
        )

    def log_environment(self) -> None:
        """Logs the versions of Python and of all installed packages."""
        packages = sorted({f"{found.name}=={found.version}" for found in distributions()}, key=str.lower)
        lines = [f"# Python {platform.python_version()} on {platform.platform()}", *packages]
        self._client.log_text(self.id, "\n".join(lines) + "\n", "environment.txt")

    def describe(self, text: str) -> None:
        """Sets the description that MLflow shows with the run, in Markdown."""
        self._client.set_tag(self.id, MLFLOW_RUN_NOTE, text)

    def log_card(self, text: str) -> None:
        """Logs the model card of the version that the run made, in Markdown."""
        self._client.log_text(self.id, text, "MODEL_CARD.md")

    def log_curves(self, epochs: "RecordedEpochs") -> None:
        """Logs the training curves as a picture."""
        self._client.log_figure(self.id, curves_figure(epochs.metrics, epochs.stages), "report/curves.png")

    def log_report(self, evaluation: Evaluation, root: Path, spec: model_pb2.Preprocessing) -> None:
        """Logs diagrams, a table of the classes, and the worst mistakes where there are any.

        Args:
            root: folder that the files of the mistakes are relative to.
            spec: decoding of these files.
        """
        log = self._client.log_figure
        log(self.id, confusion_figure(evaluation), "report/confusion_matrix.png")
        log(self.id, reliability_figure(evaluation), "report/reliability.png")
        if evaluation.mistakes:
            self._client.log_image(self.id, contact_sheet(evaluation.mistakes, root, spec), "report/worst_mistakes.png")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "classes.csv"
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(asdict(evaluation.classes[0])))
                writer.writeheader()
                writer.writerows(asdict(figures) for figures in evaluation.classes)
            self._client.log_artifact(self.id, str(path), "report")


class RecordedEpochs:
    """Keeps the metrics of all epochs and logs them over all stages. Implements trainer.progress.EpochProgress."""

    def __init__(self, run: TrackedRun, shown: EpochProgress, logged: int = 0) -> None:
        """Forwards everything to `shown`. The first `logged` epochs are in MLflow already if the run was resumed."""
        self.metrics: list[Mapping[str, float]] = []
        self.stages: dict[int, str] = {}
        """Name of the stage that starts after a number of epochs."""
        self._run = run
        self._shown = shown
        self._logged = logged

    def wait(self, text: str) -> None:
        self._shown.wait(text)

    def begin(self, stage: str, epochs: int, effort: float, done: float) -> None:
        self.stages[len(self.metrics)] = stage
        self._shown.begin(stage, epochs, effort, done)

    def advance(self, effort: float) -> None:
        self._shown.advance(effort)

    def epoch_done(self, metrics: Mapping[str, float]) -> None:
        self.metrics.append(metrics)
        if len(self.metrics) > self._logged:
            self._run.log_metrics(metrics, step=len(self.metrics))
        self._shown.epoch_done(metrics)


@contextmanager
def tracked_run(registry: Registry, experiment_name: str, name: str, run_id: str = "") -> Iterator[TrackedRun]:
    """Starts a run in the registry's MLflow; ends it as FINISHED, as KILLED after Ctrl-C, or as FAILED.

    Args:
        name: what people call the run: its pictures and how it learns.
        run_id: interrupted run to resume; empty for a new run.

    Raises:
        RegistryUnavailable: MLflow became unavailable or refused a request.
    """
    try:
        with mlflow.start_run(run_id or None, registry.experiment_id(experiment_name), name) as run:
            try:
                yield TrackedRun(MlflowClient(), run.info.run_id, run.info.experiment_id)
            except KeyboardInterrupt:
                mlflow.end_run("KILLED")
                raise
    except (MlflowException, requests.RequestException) as error:
        raise RegistryUnavailable(f"MLflow at {registry.url} failed: {error}") from error


def _flatten(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        inner = dict(value)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        inner = {str(number): item for number, item in enumerate(value, start=1)}
    else:
        yield name, value
        return
    for key, item in inner.items():
        yield from _flatten(item, f"{name}.{key}" if name else str(key))
