"""State of a run after its last finished epoch, from which the run can resume as if it had not been interrupted.

Each run has one file that is replaced atomically, so a complete file exists at any time. Everything random in a run
follows from its seed and the number of the epoch, except dropout, whose state is one of the model's variables.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np
from numpy.typing import NDArray

Metrics = Mapping[str, float]
"""Metrics of an epoch."""

MAX_AGE_SECONDS = 30 * 24 * 3600
"""Age after which the files of abandoned runs are removed, in seconds."""


def checkpoint_path(home: Path, **inputs: object) -> Path:
    """Returns the file of the run with these inputs, whose values must be serialisable as JSON."""
    text = json.dumps(inputs, sort_keys=True)
    return home / "checkpoints" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"


class Checkpoint:
    """State of one run, in memory and in a file."""

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        """Does not access the file yet. `warn` is told when the file can't be written."""
        self.run_id = ""
        """Run in MLflow; empty until the caller sets it or `load` reads it."""
        self._path = path
        self._warn = warn
        self._epochs: list[list[Metrics]] = []
        self._variables: list[NDArray[Any]] = []
        self._stage = -1

    @property
    def epochs(self) -> int:
        """Number of finished epochs in all stages."""
        return sum(map(len, self._epochs))

    def load(self) -> bool:
        """Reads the file; returns False if there is no usable one."""
        try:
            with np.load(self._path, allow_pickle=False) as file:
                note, *self._variables = (file[name] for name in file.files)
            content = json.loads(str(note))
            self.run_id, self._epochs = content["run_id"], content["epochs"]
        except (OSError, EOFError, ValueError, KeyError, BadZipFile):
            return False
        return True

    def restore(self, model: keras.Model) -> Sequence[Metrics]:
        """Returns the metrics of the next stage's finished epochs. Called once for each stage, in order.

        Model and optimizer get the state after these epochs, unless a later stage has begun: then the file holds the
        state of that stage only.
        """
        self._stage += 1
        if self._stage == len(self._epochs):
            self._epochs.append([])
        elif self._stage == len(self._epochs) - 1:
            for variable, value in zip(_variables(model), self._variables, strict=True):
                variable.assign(value)
        return tuple(self._epochs[self._stage])

    def save(self, model: keras.Model, metrics: Metrics) -> None:
        """Saves the state after an epoch. A full disk does not end the run."""
        self._epochs[self._stage].append(metrics)
        try:
            self._write([keras.ops.convert_to_numpy(variable) for variable in _variables(model)])
        except OSError as error:
            self._warn(f"--resume could not go on from this epoch: {error}")

    def _write(self, values: Sequence[NDArray[Any]]) -> None:
        note = json.dumps({"run_id": self.run_id, "epochs": self._epochs})
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".new")
        with unfinished.open("wb") as file:
            np.savez(file, np.array(note), *values)
        unfinished.replace(self._path)

    def remove(self) -> None:
        """Removes the file of a finished run, and old files of abandoned ones."""
        self._path.unlink(missing_ok=True)
        for path in self._path.parent.glob("*.npz"):
            with suppress(FileNotFoundError):  # another run may remove it at the same time
                if path.stat().st_mtime < time.time() - MAX_AGE_SECONDS:
                    path.unlink()


def _variables(model: keras.Model) -> list[keras.Variable]:
    """Returns weights, dropout states, and the optimizer's moments, averages and step count."""
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]
