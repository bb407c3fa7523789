"""Exported backbones that tests share, because an export takes seconds."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import keras

from trainer.network.assembly import feature_graph
from trainer.network.backbone import weights_digest


def exporting_once(folder: Path) -> Callable[[keras.Model], AbstractContextManager[Path]]:
    """Returns a replacement for trainer.network.assembly.feature_graph that exports each backbone only once."""

    @contextmanager
    def graph(backbone: keras.Model) -> Iterator[Path]:
        path = folder / f"{weights_digest(backbone)}-{backbone.input_shape[1]}.onnx"
        if not path.exists():
            with feature_graph(backbone) as made:
                shutil.copyfile(made, path)
        yield path

    return graph
