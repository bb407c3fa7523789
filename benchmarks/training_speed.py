"""Compares Verger with plain Keras `fit` in training the dense layers on a frozen backbone.

    .verger/env/trainer/bin/python -m benchmarks.training_speed DIR

DIR is a data set for `trainer train --data`. The first `./launch.sh --train` makes the environment. The results go to
docs/benchmarks/training.json and training.md.

All sides do the same work: the same number of augmented views of the same pictures, with the same backbone, dense
layers, optimizer, schedule, loss and batch size, and without a validation part. The Keras side follows the Keras guide
to transfer learning (https://keras.io/guides/transfer_learning/): a tf.data pipeline that decodes and resizes, the two
augmentation layers of the guide, and `fit` on a model whose frozen backbone runs in every step. It runs twice: with the
default of TensorFlow, which uses oneDNN only on processors with VNNI or AMX, and with oneDNN always. Keras decides
whether to compile the step with XLA; it does not on processors, where XLA takes ten times as long.

Verger runs the backbone in int8 for training views where this is faster (trainer/graphs/int8_features.py), and in
float32 for the test pictures.

Each measurement runs in its own process. The time is from the list of files to the trained head and includes the export
of the backbone. On a machine that does other work, processor time is more reliable than elapsed time.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import keras
import tensorflow as tf

from engine.settings import available_cores
from trainer.cli.console import ConsoleProgress
from trainer.config import REPOSITORY, TrainerSettings
from trainer.data.dataset import DataFolders, Dataset, Picture, class_indices
from trainer.data.loading import load_dataset
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.graphs.features import logits_of
from trainer.network.assembly import assemble, build_head, export_onnx
from trainer.network.backbone import load_backbone
from trainer.training.context import RunContext
from trainer.training.examples import collect_examples
from trainer.training.head import train_head
from trainer.training.learning import TrainingLoop, one_hot
from trainer.training.recipe import HeadStage, Recipe

RESULTS = REPOSITORY / "docs" / "benchmarks" / "training.json"
RELEASED = REPOSITORY / "models" / "fruit-classifier" / "model.keras"
SIZES = (2_000, 10_000, 50_000)
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
"""TensorFlow reads it when it is imported above, before the trainer makes its own setting."""
SIDE = 224
SEED = 0
WORKERS = available_cores()


class Stopwatch:
    """Measures an epoch. Implements trainer.progress.EpochProgress."""

    def wait(self, *_: object) -> None:
        pass

    def begin(self, *_: object) -> None:
        self.cost = Cost()

    def advance(self, *_: object) -> None:
        pass

    def epoch_done(self, *_: object) -> None:
        self.figures = self.cost.so_far()


class Cost:
    """Elapsed seconds, processor seconds and peak memory of this process, from the construction of this object."""

    def __init__(self) -> None:
        self._start, self._cpu = perf_counter(), process_time()

    def so_far(self) -> dict[str, float]:
        """Returns the figures. Linux reports the peak memory of the process in KiB."""
        return {
            "seconds": round(perf_counter() - self._start, 1),
            "cpu_seconds": round(process_time() - self._cpu, 1),
            "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "--weights", type=Path, default=RELEASED, help="backbone, a .keras or .h5 file (default: the released model)"
    )
    parser.add_argument("--epochs", type=int, default=HeadStage.epochs)
    parser.add_argument(
        "--most", type=int, default=SIZES[-1], help="largest number of pictures to measure the cost for"
    )
    parser.add_argument("--only", help=argparse.SUPPRESS)  # for the processes that this one starts
    options = parser.parse_args()
    if options.only:
        sys.stdout.write(json.dumps(measure(options)) + "\n")  # for the parent process
        return
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    results: dict[str, Any] = {
        "about": machine() | {"begun": begun, "epochs": options.epochs, "weights": options.weights.name},
        "sides": {},
        "sizes": [],
    }
    for name in SIDES:
        results["sides"][name] = in_a_process(name)
        write(results)
    for size in (size for size in SIZES if size <= options.most):
        results["sizes"].append(in_a_process(str(size)))
        write(results)


def write(results: Mapping[str, Any]) -> None:
    """Writes the results so far as JSON and as a page."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    RESULTS.with_suffix(".md").write_text(page(results))


def in_a_process(only: str) -> dict[str, Any]:
    """Runs `measure` in a separate process and returns its result."""
    command = [sys.executable, "-m", "benchmarks.training_speed", *sys.argv[1:], "--only", only]
    environment = {name: value for name, value in os.environ.items() if name != ONEDNN}
    if only == KERAS_ONEDNN:
        environment[ONEDNN] = "1"
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Runs one measurement: a side by its name, or one epoch of Verger on a given number of pictures."""
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(WORKERS))
    keras.utils.set_random_seed(SEED)
    folders, spec = DataFolders(options.data), mobilenet_preprocessing(SIDE)
    dataset = replace(load_dataset(folders, spec, WORKERS, lambda *_: None), validation=[])
    backbone = load_backbone(SIDE, options.weights)
    if options.only in SIDES:
        return SIDES[options.only](backbone, dataset, HeadStage(options.epochs))
    pictures = list(islice(cycle(dataset.train), int(options.only)))
    watch = Stopwatch()
    train_with(context(replace(dataset, train=pictures), HeadStage(1)), watch, backbone)
    return {"views": len(pictures), **watch.figures}


def context(dataset: Dataset, stage: HeadStage) -> RunContext:
    """Returns the context of a run that trains the dense layers only."""
    settings = TrainerSettings(trainer_workers=WORKERS)
    return RunContext(dataset, mobilenet_preprocessing(SIDE), settings, ConsoleProgress(), Recipe(stage), SEED)


def train_with(run: RunContext, watch: Stopwatch, backbone: keras.Model) -> keras.Model:
    """Trains a head with the trainer's code and returns it."""
    return train_head(run, TrainingLoop(watch), backbone, collect_examples(run, backbone))[0]


def verger(backbone: keras.Model, dataset: Dataset, stage: HeadStage) -> dict[str, Any]:
    """Trains with the trainer's code."""
    cost = Cost()
    head = train_with(context(dataset, stage), Stopwatch(), backbone)
    spent = cost.so_far()
    model = assemble(backbone, head)
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "model.onnx"
        export_onnx(keras.Model(model.input, {"logits": model.output}), graph)
        spec = mobilenet_preprocessing(SIDE)
        logits = logits_of(graph, dataset.test, spec, WORKERS, lambda *_: None)
    right = logits.argmax(axis=1) == class_indices(dataset.test, dataset.labels)
    return figures(dataset, stage, float(right.mean())) | spent


def keras_fit(backbone: keras.Model, dataset: Dataset, stage: HeadStage) -> dict[str, Any]:
    """Trains with the code of the Keras guide, and with the layers, learning rates and loss of the trainer."""
    cost = Cost()
    layers = [keras.layers.RandomFlip("horizontal"), keras.layers.RandomRotation(0.1)]

    def augmented(images: Any, targets: Any) -> tuple[Any, Any]:
        for layer in layers:
            images = layer(images)
        return images, targets

    training = files(dataset.train, dataset.labels).shuffle(len(dataset.train), seed=SEED).map(pixels, tf.data.AUTOTUNE)
    training = training.batch(stage.batch_size).map(augmented, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    backbone.trainable = False
    inputs = keras.Input((SIDE, SIDE, 3))
    maps = backbone(keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs), training=False)
    head = build_head(len(dataset.labels), 0, stage.units, stage.dropout)
    model = keras.Model(inputs, head(keras.layers.GlobalAveragePooling2D()(maps)))
    rate = keras.optimizers.schedules.CosineDecay(stage.learning_rate, stage.epochs * len(training))
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=stage.label_smoothing)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    model.fit(training, epochs=stage.epochs, verbose=0)
    spent = cost.so_far()
    test = files(dataset.test, dataset.labels).map(pixels, tf.data.AUTOTUNE).batch(stage.batch_size)
    accuracy = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
    return figures(dataset, stage, float(accuracy)) | spent | {"xla": model.jit_compile}


def files(pictures: Sequence[Picture], labels: Sequence[str]) -> Any:
    """Returns paths and targets as a tf.data.Dataset."""
    targets = one_hot(class_indices(pictures, labels), len(labels))
    return tf.data.Dataset.from_tensor_slices(([str(picture.path) for picture in pictures], targets))


def pixels(path: Any, target: Any) -> tuple[Any, Any]:
    """Reads a file as keras.utils.image_dataset_from_directory does: float32 [224, 224, 3] from 0 to 255."""
    image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    image = tf.image.resize(image, (SIDE, SIDE))
    image.set_shape((SIDE, SIDE, 3))
    return image, target


def figures(dataset: Dataset, stage: HeadStage, accuracy: float) -> dict[str, Any]:
    """Returns the figures that all sides report."""
    views = stage.epochs * len(dataset.train)
    return {"views": views, "accuracy": round(accuracy, 4), "tested": len(dataset.test)}


KERAS_ONEDNN = "Keras `fit`, oneDNN"
SIDES: Mapping[str, Callable[[keras.Model, Dataset, HeadStage], dict[str, Any]]] = {
    "Verger": verger,
    "Keras `fit`": keras_fit,
    KERAS_ONEDNN: keras_fit,
}


def machine() -> dict[str, Any]:
    """Describes the machine and the versions of the libraries."""
    information = Path("/proc/cpuinfo").read_text()
    lines = information.splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return {
        "processor": model,
        "vnni": "avx512_vnni" in information or "avx_vnni" in information,
        "cores": WORKERS,
        "python": platform.python_version(),
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "load_before": os.getloadavg(),
    }


def page(results: Mapping[str, Any]) -> str:
    """Returns the results as a page in Markdown."""
    about, ours = results["about"], results["sides"]["Verger"]
    sides = [
        f"| {name} | {side['views']:,} | {side['seconds']:.0f} | {ms(side):.1f} | {ms(side) / ms(ours):.1f} | "
        f"{ms(side, 'cpu_seconds'):.1f} | {side['accuracy']:.1%} | {side['peak_mib']} |"
        for name, side in results["sides"].items()
    ]
    sizes = [
        f"| {row['views']:,} | {row['seconds']:.0f} | {ms(row, 'cpu_seconds'):.1f} | {row['peak_mib']} |"
        for row in results["sizes"]
    ]
    lines = [
        "# Training the dense layers",
        "",
        f"`python -m benchmarks.training_speed DIR`, started {about['begun']} on {about['cores']} cores",
        f"({about['processor']}, {'with' if about['vnni'] else 'without'} VNNI) with Python {about['python']}, Keras "
        f"{about['keras']} and TensorFlow {about['tensorflow']}.",
        "Its docstring says what is compared.",
        "",
        "## Against plain Keras",
        "",
        f"{about['epochs']} epochs. The accuracy is that on {ours['tested']} test pictures.",
        "",
        "| | views | seconds | ms per view | relative to Verger | processor ms per view | accuracy | peak MiB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *sides,
        "",
        "## By the size of the data set",
        "",
        "One epoch of Verger on the same pictures, repeated as often as needed.",
        "",
        "| pictures | seconds | processor ms per picture | peak memory, MiB |",
        "| ---: | ---: | ---: | ---: |",
        *sizes,
    ]
    return "\n".join(lines) + "\n"


def ms(row: Mapping[str, Any], of: str = "seconds") -> float:
    """Returns milliseconds per view."""
    return float(1e3 * row[of] / row["views"])


if __name__ == "__main__":
    main()
