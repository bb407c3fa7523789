"""Where a run stood after its last finished epoch: what it takes to go on as if nothing had happened.

One file for each run, replaced in one step, so that there is a whole one whenever the machine stops. All that is random
in a run follows from its seed and the epoch's number, but for dropout, whose state is one of the model's variables.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np
from numpy.typing import NDArray
from rich.markup import escape

from trainer.cli.console import NOTES

Figures = Mapping[str, float]
"""Of an epoch."""

ABANDONED_SECONDS = 30 * 24 * 3600
"""Files of runs that nobody has gone on with for so long are removed."""


def checkpoint_path(home: Path, **what: object) -> Path:
    """The file of the run that is made of all this, down to the last setting. Values must be fit for JSON."""
    text = json.dumps(what, sort_keys=True)
    return home / "checkpoints" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"


class Checkpoint:
    """The state of one run, in memory and in a file."""

    def __init__(self, path: Path) -> None:
        """Touches no file yet."""
        self.run_id = ""
        """The run in MLflow; empty until somebody sets it, or `load` finds one."""
        self._path = path
        self._epochs: list[list[Figures]] = []
        self._variables: list[NDArray[Any]] = []
        self._stage = -1

    @property
    def epochs(self) -> int:
        """Epochs of all stages that are finished."""
        return sum(map(len, self._epochs))

    def load(self) -> bool:
        """Reads the file; False when there is none that can be used."""
        try:
            with np.load(self._path, allow_pickle=False) as file:
                note, *self._variables = (file[name] for name in file.files)
            content = json.loads(str(note))
            self.run_id, self._epochs = content["run_id"], content["epochs"]
        except (OSError, EOFError, ValueError, KeyError, BadZipFile):
            return False
        return True

    def restore(self, model: keras.Model) -> Sequence[Figures]:
        """Tells the figures of the finished epochs of the stage that begins. Called once for each stage, in order.

        The model and its optimizer get the state that these epochs left them in, unless a later stage has begun, too:
        that one's state is all that counts.
        """
        self._stage += 1
        if self._stage == len(self._epochs):
            self._epochs.append([])
        elif self._stage == len(self._epochs) - 1:
            for variable, value in zip(_variables(model), self._variables, strict=True):
                variable.assign(value)
        return tuple(self._epochs[self._stage])

    def save(self, model: keras.Model, figures: Figures) -> None:
        """Keeps what an epoch has made of the model."""
        self._epochs[self._stage].append(figures)
        try:
            self._write([keras.ops.convert_to_numpy(variable) for variable in _variables(model)])
        except OSError as error:  # a full disk must not end the run that this is here to save
            NOTES.print(f"[yellow]--resume could not go on from this epoch:[/] {escape(str(error))}")

    def _write(self, values: Sequence[NDArray[Any]]) -> None:
        note = json.dumps({"run_id": self.run_id, "epochs": self._epochs})
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".new")
        with unfinished.open("wb") as file:
            np.savez(file, np.array(note), *values)
        unfinished.replace(self._path)

    def remove(self) -> None:
        """The run is done; also clears out what other runs have left long ago."""
        self._path.unlink(missing_ok=True)
        for path in self._path.parent.glob("*.npz"):
            with suppress(FileNotFoundError):  # it was done in this moment
                if path.stat().st_mtime < time.time() - ABANDONED_SECONDS:
                    path.unlink()


def _variables(model: keras.Model) -> list[keras.Variable]:
    """Weights, the states of dropout, and what the optimizer keeps: moments, averages, how many steps it has made."""
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]
