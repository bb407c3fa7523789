"""Features of many views."""

import threading

import numpy as np
from numpy.typing import NDArray

from engine.model.session import OnnxSession
from tests.support.trainer.shapes import shape
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.graphs.features import outputs_of_views
from trainer.views.album import Album
from trainer.views.augmentation import Augmentation


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


def test_views_are_computed_ahead_of_their_use() -> None:
    album = Album(lambda number: shape("red_circle", number), np.zeros(200, np.int64), synthetic=(0, 0))
    runtime, spec = Counted(enough=64), mobilenet_preprocessing(32)
    views = album.views((0,))
    features = outputs_of_views(runtime, views, lambda view: album.pixels(view, spec, Augmentation()), spec, 1)
    next(features)
    assert runtime.done.wait(20)
    features.close()  # type: ignore[attr-defined]  # cancels the rest
