"""Data sets and run contexts for tests of the trainer."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from trainer.config import TrainerSettings
from trainer.data.dataset import DataFolders, Dataset
from trainer.data.loading import load_dataset
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.progress import OnProgress
from trainer.training.context import RunContext
from trainer.training.recipe import DEFAULT, Recipe


def ignore_progress(done: int, total: int) -> None:
    """Receives progress that a test does not look at."""


def load(root: Path, extra: Sequence[Path] = (), negatives: Sequence[Path] = ()) -> Dataset:
    """Loads a data set with two workers."""
    return load_dataset(DataFolders(root, extra, negatives), mobilenet_preprocessing(), 2, ignore_progress)


class RecordedProgress:
    """Records all reports. Implements trainer.progress.Progress and EpochProgress."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int, float]] = []
        self.effort = 0.0
        self.metrics: list[Mapping[str, float]] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.waits: list[str] = []

    def wait(self, text: str) -> None:
        self.waits.append(text)

    def begin(self, stage: str, epochs: int, effort: float, done: float) -> None:
        self.stages.append((stage, epochs, effort))
        self.effort += done

    def advance(self, effort: float) -> None:
        self.effort += effort

    def epoch_done(self, metrics: Mapping[str, float]) -> None:
        self.metrics.append(metrics)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    @contextmanager
    def counting(self, text: str) -> Iterator[OnProgress]:
        yield ignore_progress

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        self.waits.append(text)
        yield

    @contextmanager
    def epochs(self) -> Iterator["RecordedProgress"]:
        yield self


def small_context(dataset: Dataset, recipe: Recipe, seed: int = 0, workers: int = 2) -> RunContext:
    """Returns the context of a run on pictures of 64 x 64 pixels."""
    settings = TrainerSettings(trainer_workers=workers)
    return RunContext(dataset, mobilenet_preprocessing(64), settings, RecordedProgress(), recipe, seed)


def full_context(dataset: Dataset, settings: TrainerSettings, recipe: Recipe = DEFAULT, seed: int = 0) -> RunContext:
    """Returns the context of a run on pictures of 224 x 224 pixels, as the command line builds it."""
    return RunContext(dataset, mobilenet_preprocessing(), settings, RecordedProgress(), recipe, seed)
