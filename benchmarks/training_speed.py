"""Compares Verger with plain Keras `fit` in training the dense layers on a frozen backbone, and times `--fine-tune`.

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
of the backbone. What Verger does afterwards, exporting the version and quantising it, is timed apart, since Keras `fit`
leaves nothing that can be served. The sides take turns, several times, and medians count: on a machine that does other
work, a neighbour disturbs all of them. Processor time is more reliable there than elapsed time.

`--fine-tune` is foretold from epochs of few pictures at each size of its views. The first epoch at a size, which
compiles, does not count.
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

from benchmarks.reports.training import page
from engine.settings import available_cores
from registry.settings import REPOSITORY
from trainer.cli.console import ConsoleProgress
from trainer.config import TrainerSettings
from trainer.data.dataset import DataFolders, Dataset, Picture, class_indices
from trainer.data.loading import load_dataset
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.network.assembly import assemble, build_head
from trainer.network.backbone import load_backbone
from trainer.network.export import write_float_graph
from trainer.runs.served_graph import choose_served_graph
from trainer.training.context import RunContext
from trainer.training.examples import collect_examples
from trainer.training.finetune import fine_tune
from trainer.training.head import train_head
from trainer.training.learning import TrainingLoop, one_hot
from trainer.training.recipe import FINE_TUNE, FineTuning, HeadStage, Phase, Recipe
from trainer.views.store import PictureStore

RESULTS = REPOSITORY / "docs" / "benchmarks" / "training.json"
RELEASED = REPOSITORY / "models" / "fruit-classifier" / "model.keras"
SIZES = (2_000, 10_000, 50_000)
FINE_TUNED = 128
"""Pictures that fine-tuning is timed on."""
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
"""TensorFlow reads it when it is imported above, before the trainer makes its own setting."""
SIDE = 224
SEED = 0
WORKERS = available_cores()


class Stopwatch:
    """Measures each epoch. Implements trainer.progress.EpochProgress."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []

    def wait(self, *_: object) -> None:
        pass

    def begin(self, *_: object) -> None:
        self.cost = Cost()

    def advance(self, *_: object) -> None:
        pass

    def epoch_done(self, *_: object) -> None:
        self.epochs.append(self.cost.so_far())
        self.cost = Cost()


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
    parser.add_argument("--rounds", type=int, default=3, help="how often each side has a turn")
    parser.add_argument("--only", help=argparse.SUPPRESS)  # for the processes that this one starts
    options = parser.parse_args()
    if options.only:
        sys.stdout.write(json.dumps(measure(options)) + "\n")  # for the parent process
        return
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    results: dict[str, Any] = {
        "about": machine() | {"begun": begun, "epochs": options.epochs, "weights": options.weights.name},
        "sides": {name: [] for name in SIDES},
        "fine_tuning": [],
        "sizes": [],
    }
    for _ in range(options.rounds):
        for name in SIDES:
            results["sides"][name].append(in_a_process(name))
        results["fine_tuning"].append(in_a_process(FINE_TUNING))
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
    """Runs one measurement: a side by its name, fine-tuning, or one epoch of Verger on a given number of pictures."""
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(WORKERS))
    keras.utils.set_random_seed(SEED)
    folders, spec = DataFolders(options.data), mobilenet_preprocessing(SIDE)
    dataset = replace(load_dataset(folders, spec, WORKERS, lambda *_: None), validation=[])
    backbone = load_backbone(SIDE, options.weights)
    if options.only in SIDES:
        return SIDES[options.only](backbone, dataset, HeadStage(options.epochs))
    if options.only == FINE_TUNING:
        return fine_tuning(backbone, replace(dataset, train=dataset.train[:FINE_TUNED]))
    pictures = list(islice(cycle(dataset.train), int(options.only)))
    watch = Stopwatch()
    train_with(context(replace(dataset, train=pictures), Recipe(HeadStage(1))), watch, backbone)
    return {"views": len(pictures), **watch.epochs[0]}


def context(dataset: Dataset, recipe: Recipe) -> RunContext:
    """Returns the context of a run."""
    settings = TrainerSettings(trainer_workers=WORKERS)
    return RunContext(dataset, mobilenet_preprocessing(SIDE), settings, ConsoleProgress(), recipe, SEED)


def train_with(run: RunContext, watch: Stopwatch, backbone: keras.Model) -> keras.Model:
    """Trains a head with the trainer's code and returns it."""
    return train_head(run, TrainingLoop(watch), backbone, collect_examples(run, backbone))[0]


def verger(backbone: keras.Model, dataset: Dataset, stage: HeadStage) -> dict[str, Any]:
    """Trains with the trainer's code."""
    run, cost = context(dataset, Recipe(stage)), Cost()
    head = train_with(run, Stopwatch(), backbone)
    spent, afterwards = cost.so_far(), Cost()
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "float.onnx"
        write_float_graph(assemble(backbone, head), graph)
        served = choose_served_graph(run, graph)
    right = served.logits.argmax(axis=1) == class_indices(dataset.test, dataset.labels)
    return figures(dataset, stage, float(right.mean())) | spent | {"afterwards": afterwards.so_far()}


def fine_tuning(backbone: keras.Model, dataset: Dataset) -> dict[str, Any]:
    """Times epochs of all layers, and foretells from them what all epochs of the recipe take for 1,000 pictures."""
    short = FineTuning(tuple(Phase(2, phase.size, phase.augmentation) for phase in FINE_TUNE.phases))
    run, watch = context(dataset, Recipe(HeadStage(1, units=0), short)), Stopwatch()
    examples = collect_examples(run, backbone)
    model = assemble(backbone, train_with(run, Stopwatch(), backbone))
    with tempfile.TemporaryDirectory() as folder:
        store = PictureStore(examples.pictures, run.preprocessing, Path(folder), WORKERS, lambda *_: None)
        fine_tune(run, TrainingLoop(watch), model, examples, store)
    found = {"pictures": len(examples.pictures), "peak_mib": watch.epochs[-1]["peak_mib"]}
    for name in ("seconds", "cpu_seconds"):
        views = [epoch[name] / len(examples.pictures) for epoch in watch.epochs[1::2]]
        found[name] = 1000 * sum(phase.epochs * each for phase, each in zip(FINE_TUNE.phases, views, strict=True))
    return found


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


FINE_TUNING = "fine-tuning"
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


if __name__ == "__main__":
    main()
