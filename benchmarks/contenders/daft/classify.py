"""Daft as its guide to batch inference shows it: download, decode and resize as expressions, the model as a UDF.

usage: python -m benchmarks.contenders.daft.classify FOLDER OUTPUT
See https://docs.daft.ai.
"""

import sys

import daft
import numpy as np
from daft import DataType, col

from benchmarks.contenders import predictor


@daft.udf(return_dtype=DataType.list(DataType.float32()), concurrency=predictor.CORES)
class Classifier:
    """One model in each of as many processes as there are cores."""

    def __init__(self) -> None:
        self.model = predictor.load()

    def __call__(self, images: daft.Series) -> list[list[float]]:
        pixels = (np.asarray(each, np.float32)[None] / np.float32(127.5) - np.float32(1) for each in images.to_pylist())
        return [self.model(each) for each in pixels]


if __name__ == "__main__":
    files = daft.from_glob_path(f"{sys.argv[1]}/*")
    pixels = col("path").download().decode_image(mode="RGB").resize(predictor.SIZE, predictor.SIZE)
    answers = files.with_column("image", pixels).with_column("logits", Classifier(col("image")))
    answers.select("path", "logits").write_parquet(sys.argv[2])
