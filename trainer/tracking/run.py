"""A training run as MLflow sees it: parameters, curves, pictures, the data set, the environment, and how it ended."""

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

from registry.models import Registry, RegistryUnavailable
from trainer.data.dataset import Dataset
from trainer.data.pictures import batches
from trainer.evaluation.figures import Evaluation
from trainer.tracking.progress import Watch
from trainer.tracking.report import confusion_figure, contact_sheet, curves_figure, reliability_figure

_LONGEST_DIGEST = 36  # MLflow cuts nothing, it refuses what is longer
_MOST_AT_ONCE = 100  # and more parameters than these


class TrackedRun:
    """One run in MLflow."""

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self.id = run_id
        self._client = client

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Logs settings; inner mappings and lists become dotted names."""
        for batch in batches(_flatten(parameters), _MOST_AT_ONCE):
            self._client.log_batch(self.id, params=[Param(name, str(value)) for name, value in batch])

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Logs figures of an epoch, or of the whole run."""
        now = int(time.time() * 1000)
        self._client.log_batch(self.id, [Metric(name, value, now, step) for name, value in metrics.items()])

    def log_dataset(self, dataset: Dataset) -> None:
        """Names the data by its digest, counts it, and lists the files that were left out."""
        counts = {part: len(getattr(dataset, part)) for part in ("train", "validation", "test", "overlap")}
        info = DatasetInfo(
            name=dataset.root.resolve().name,
            digest=dataset.digest[:_LONGEST_DIGEST],
            source_type="local",
            source=json.dumps({"uri": str(dataset.root)}),
            profile=json.dumps({**counts, "digest": dataset.digest}),
        )
        self._client.log_inputs(self.id, [DatasetInput(info, [InputTag("mlflow.data.context", "training")])])
        self._client.log_dict(
            self.id,
            {
                "digest": dataset.digest,
                "labels": list(dataset.labels),
                "pictures": counts,
                "overlap": [{"test": pair.test.short_name, "train": pair.train.short_name} for pair in dataset.overlap],
                "unreadable": {f"{file.path.parent.name}/{file.path.name}": file.reason for file in dataset.unreadable},
            },
            "dataset.json",
        )

    def log_environment(self) -> None:
        """Logs the versions of Python and of all installed packages."""
        packages = sorted({f"{found.name}=={found.version}" for found in distributions()}, key=str.lower)
        lines = [f"# Python {platform.python_version()} on {platform.platform()}", *packages]
        self._client.log_text(self.id, "\n".join(lines) + "\n", "environment.txt")

    def log_curves(self, epochs: "RecordedEpochs") -> None:
        """Logs how training went."""
        self._client.log_figure(self.id, curves_figure(epochs.figures, epochs.stages), "report/curves.png")

    def log_report(self, evaluation: Evaluation, root: Path) -> None:
        """Logs what tells a person how good the model is and where it errs. Files lie relative to `root`."""
        log = self._client.log_figure
        log(self.id, confusion_figure(evaluation), "report/confusion_matrix.png")
        log(self.id, reliability_figure(evaluation), "report/reliability.png")
        self._client.log_image(self.id, contact_sheet(evaluation.mistakes, root), "report/worst_mistakes.png")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "classes.csv"
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(asdict(evaluation.classes[0])))
                writer.writeheader()
                writer.writerows(asdict(figures) for figures in evaluation.classes)
            self._client.log_artifact(self.id, str(path), "report")


class RecordedEpochs:
    """Keeps the figures of all epochs and logs them as curves over all stages. A trainer.tracking.progress.Watch."""

    def __init__(self, run: TrackedRun, watch: Watch, logged: int = 0) -> None:
        """`watch` is told the same. The first `logged` epochs are in MLflow already, from before the run broke off."""
        self.figures: list[Mapping[str, float]] = []
        self.stages: dict[int, str] = {}
        """The name of the stage that starts after so many epochs."""
        self._run = run
        self._watch = watch
        self._logged = logged

    def begin(self, stage: str, epochs: int, pictures: int) -> None:
        self.stages[len(self.figures)] = stage
        self._watch.begin(stage, epochs, pictures)

    def advance(self, pictures: int) -> None:
        self._watch.advance(pictures)

    def epoch_done(self, metrics: Mapping[str, float]) -> None:
        self.figures.append(metrics)
        if len(self.figures) > self._logged:
            self._run.log_metrics(metrics, step=len(self.figures))
        self._watch.epoch_done(metrics)


@contextmanager
def tracked_run(registry: Registry, experiment_name: str, run_id: str = "") -> Iterator[TrackedRun]:
    """Starts a run where the registry is; ends it as FINISHED, as KILLED after Ctrl-C, or as FAILED.

    Args:
        run_id: of a run that broke off, to go on with that one.

    Raises:
        RegistryUnavailable: MLflow went away, or refused something.
    """
    try:
        with mlflow.start_run(run_id or None, registry.experiment_id(experiment_name)) as run:
            try:
                yield TrackedRun(MlflowClient(), run.info.run_id)
            except KeyboardInterrupt:
                mlflow.end_run("KILLED")
                raise
    except (MlflowException, requests.RequestException) as error:
        raise RegistryUnavailable(f"MLflow at {registry.url} did not do as asked: {error}") from error


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
