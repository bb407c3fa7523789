"""Features of many views."""

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.model.session import OnnxSession
from tests.support.trainer.shapes import write_parts
from tests.support.trainer.training import load
from trainer.data.augment import Augmentation
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.data.views import shuffled_views
from trainer.graphs.features import outputs_of_views


class Counted(OnnxSession):
    """Returns the mean of a view; sets `done` after `enough` views."""

    def __init__(self, enough: int) -> None:
        self._enough, self._seen, self._lock = enough, 0, threading.Lock()
        self.done = threading.Event()

    def logits(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        with self._lock:
            self._seen += 1
            if self._seen == self._enough:
                self.done.set()
        return batch.mean(axis=(1, 2, 3)).reshape(1, 1)


def test_views_are_computed_ahead_of_their_use(tmp_path: Path) -> None:
    pictures = load(write_parts(tmp_path, 2, 1)).train
    views = shuffled_views([pictures[0]] * 200, np.zeros(200, np.int64), (0,))
    runtime = Counted(enough=64)
    features = outputs_of_views(runtime, views, mobilenet_preprocessing(32), Augmentation(), 1)
    next(features)
    assert runtime.done.wait(20)
    features.close()  # type: ignore[attr-defined]  # cancels the rest
