"""Training the dense layers on a frozen backbone: Verger against plain Keras `fit`, and what a picture costs.

    .verger/env/trainer/bin/python -m benchmarks.training_speed DIR

DIR is a folder as `trainer train --data` takes it; that environment is there after the first `./launch.sh --train`.
Writes docs/benchmarks/training.json and training.md.

All sides do the same work: as many augmented views of the same pictures, on the same backbone, for the same dense
layers with the same optimizer, schedule, loss and batch size. Keras does it as its guide to transfer learning does
(https://keras.io/guides/transfer_learning/): a tf.data pipeline that decodes and resizes, the guide's two augmentation
layers, and `fit` on a model whose frozen backbone runs in every step. TensorFlow computes with oneDNN where it does so
by itself, on processors with VNNI or AMX; once more with oneDNN anywhere. Verger's views see the backbone in 8-bit
integers where that pays (trainer/network/int8_features.py), and the test pictures see it as it is. Whether the
step is compiled with XLA is left to Keras, which does without it on processors; there it would take ten times as long.
Nobody has a validation part. Each measurement is a process of its own; the time is from the list of files to the
trained head, the backbone's export included. Processor time says more than seconds where other work shares the machine.
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
from trainer.config import REPOSITORY
from trainer.data.dataset import Dataset, Picture, class_indices, load_dataset
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.evaluation.evaluate import logits_of
from trainer.network.assembly import assemble, build_head, export_onnx
from trainer.network.backbone import load_backbone
from trainer.training.head import train_head
from trainer.training.learning import compile_classifier, one_hot
from trainer.training.recipe import HeadStage

RESULTS = REPOSITORY / "docs" / "benchmarks" / "training.json"
RELEASED = REPOSITORY / "models" / "fruit-classifier" / "model.keras"
SIZES = (2_000, 10_000, 50_000)
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
"""Read when TensorFlow is imported: above, before the trainer's own setting."""
SIDE = 224
SEED = 0
WORKERS = available_cores()


class Stopwatch:
    """Notes what an epoch takes. A trainer.tracking.progress.Watch."""

    def begin(self, *_: object) -> None:
        self.cost = Cost()

    def advance(self, *_: object) -> None:
        pass

    def epoch_done(self, *_: object) -> None:
        self.figures = self.cost.so_far()


class Cost:
    """Seconds, processor seconds and memory of this process, from here on."""

    def __init__(self) -> None:
        self._start, self._cpu = perf_counter(), process_time()

    def so_far(self) -> dict[str, float]:
        """The memory is the most that was ever in use (Linux counts in KiB)."""
        return {
            "seconds": round(perf_counter() - self._start, 1),
            "cpu_seconds": round(process_time() - self._cpu, 1),
            "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, default=RELEASED, help="backbone: .keras or .h5 (default: the release)")
    parser.add_argument("--epochs", type=int, default=HeadStage.epochs)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="largest data set whose cost is measured")
    parser.add_argument("--only", help=argparse.SUPPRESS)  # what the processes are started with
    options = parser.parse_args()
    if options.only:
        sys.stdout.write(json.dumps(measure(options)) + "\n")  # for the process that asked
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
    """Writes what is there so far: as data, and for people."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    RESULTS.with_suffix(".md").write_text(page(results))


def in_a_process(only: str) -> dict[str, Any]:
    """What `measure` found, called in a process that does nothing else."""
    command = [sys.executable, "-m", "benchmarks.training_speed", *sys.argv[1:], "--only", only]
    environment = {name: value for name, value in os.environ.items() if name != ONEDNN}
    if only == KERAS_ONEDNN:
        environment[ONEDNN] = "1"
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """One measurement: a side by its name, or Verger on so many pictures for one epoch."""
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(WORKERS))
    keras.utils.set_random_seed(SEED)
    dataset = replace(load_dataset(options.data, [], [], WORKERS, lambda *_: None), validation=[])
    backbone = load_backbone(SIDE, options.weights)
    if options.only in SIDES:
        return SIDES[options.only](backbone, dataset, HeadStage(options.epochs))
    pictures = list(islice(cycle(dataset.train), int(options.only)))
    watch = Stopwatch()
    train_head(
        backbone, replace(dataset, train=pictures), HeadStage(1), mobilenet_preprocessing(SIDE), SEED, WORKERS, watch
    )
    return {"views": len(pictures), **watch.figures}


def verger(backbone: keras.Model, dataset: Dataset, stage: HeadStage) -> dict[str, Any]:
    """The trainer's own code."""
    cost = Cost()
    head = train_head(backbone, dataset, stage, mobilenet_preprocessing(SIDE), SEED, WORKERS, Stopwatch())
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
    """The guide's code, with the layers, rates and loss of the trainer."""
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
    head = build_head(len(dataset.labels), stage.units, stage.dropout)
    model = keras.Model(inputs, head(keras.layers.GlobalAveragePooling2D()(maps)))
    rate = keras.optimizers.schedules.CosineDecay(stage.learning_rate, stage.epochs * len(training))
    compile_classifier(model, keras.optimizers.Adam(rate), stage.label_smoothing)
    model.fit(training, epochs=stage.epochs, verbose=0)
    spent = cost.so_far()
    test = files(dataset.test, dataset.labels).map(pixels, tf.data.AUTOTUNE).batch(stage.batch_size)
    accuracy = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
    return figures(dataset, stage, float(accuracy)) | spent | {"xla": model.jit_compile}


def files(pictures: Sequence[Picture], labels: Sequence[str]) -> Any:
    """Paths and targets as a tf.data.Dataset."""
    targets = one_hot(class_indices(pictures, labels), len(labels))
    return tf.data.Dataset.from_tensor_slices(([str(picture.path) for picture in pictures], targets))


def pixels(path: Any, target: Any) -> tuple[Any, Any]:
    """A file as keras.utils.image_dataset_from_directory reads it: float32 [224, 224, 3], 0 to 255."""
    image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    image = tf.image.resize(image, (SIDE, SIDE))
    image.set_shape((SIDE, SIDE, 3))
    return image, target


def figures(dataset: Dataset, stage: HeadStage, accuracy: float) -> dict[str, Any]:
    """What all sides report."""
    views = stage.epochs * len(dataset.train)
    return {"views": views, "accuracy": round(accuracy, 4), "tested": len(dataset.test)}


KERAS_ONEDNN = "Keras `fit`, oneDNN"
SIDES: Mapping[str, Callable[[keras.Model, Dataset, HeadStage], dict[str, Any]]] = {
    "Verger": verger,
    "Keras `fit`": keras_fit,
    KERAS_ONEDNN: keras_fit,
}


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
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
    """The figures for people."""
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
        f"Begun {about['begun']} on {about['cores']} cores ({about['processor']}, "
        f"{'with' if about['vnni'] else 'without'} VNNI), Python {about['python']}, "
        f"Keras {about['keras']}, TensorFlow {about['tensorflow']}:",
        "`python -m benchmarks.training_speed DIR`, whose docstring says what is compared.",
        "",
        "## Against plain Keras",
        "",
        f"{about['epochs']} epochs; right on {ours['tested']} test pictures.",
        "",
        "| | views | seconds | ms a view | times Verger's | processor ms a view | right | peak memory, MiB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *sides,
        "",
        "## By the size of the data set",
        "",
        "One epoch of Verger's; the same pictures again and again.",
        "",
        "| pictures | seconds | processor ms a picture | peak memory, MiB |",
        "| ---: | ---: | ---: | ---: |",
        *sizes,
    ]
    return "\n".join(lines) + "\n"


def ms(row: Mapping[str, Any], of: str = "seconds") -> float:
    """Milliseconds for each view."""
    return float(1e3 * row[of] / row["views"])


if __name__ == "__main__":
    main()
