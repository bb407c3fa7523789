"""Ray Data as its guide to batch inference shows it: read_images, then map_batches with one model a core.

usage: python -m benchmarks.contenders.ray_data.classify FOLDER OUTPUT
See https://docs.ray.io/en/latest/data/batch_inference.html.
"""

import sys

import numpy as np
import ray

from benchmarks.contenders import predictor


class Classifier:
    """Takes whole pictures from the object store, since a pipeline of files reads and decodes them first."""

    def __init__(self) -> None:
        self.model = predictor.load()

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list]:
        pixels = batch["image"].astype(np.float32) / np.float32(127.5) - np.float32(1)
        return {"path": batch["path"], "logits": [self.model(each[None]) for each in pixels]}


if __name__ == "__main__":
    ray.init(num_cpus=predictor.CORES, include_dashboard=False, log_to_driver=False)
    size = (predictor.SIZE, predictor.SIZE)
    pictures = ray.data.read_images(sys.argv[1], mode="RGB", size=size, include_paths=True)
    answers = pictures.map_batches(Classifier, batch_size=32, concurrency=predictor.CORES)
    answers.write_parquet(sys.argv[2])
