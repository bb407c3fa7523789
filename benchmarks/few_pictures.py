"""Measures versions that learned from few pictures: how often they are right, and what they make of other things.

    .verger/env/trainer/bin/python -m benchmarks.few_pictures DIR --negatives DIR --others DIR ... [--weights FILE]

DIR is a data set with train/ and test/ parts. For each size a folder is made that has as many pictures of each class
from train/, as a person would have it, and a version is trained on it by the trainer's default recipe: a fifth of the
pictures is set aside by the trainer, and so are validation pictures. The version is then tested on all pictures of
test/, which are far more than that fifth, and on each folder of OTHERS, which teach nothing. The results go to
docs/benchmarks/few-pictures.json and few-pictures.md.

The released backbone has learned fruits. To measure classes that a backbone does not know, name other weights.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from verger.v1 import model_pb2

from engine.model.session import OnnxSession
from engine.settings import available_cores
from registry.settings import REPOSITORY
from trainer.cli.console import ConsoleProgress
from trainer.config import TrainerSettings
from trainer.data.dataset import DataFolders, Picture, class_indices
from trainer.data.few import can_be_calibrated_on_validation
from trainer.data.loading import load_dataset, load_elsewhere, load_negatives
from trainer.data.preprocessing import mobilenet_preprocessing
from trainer.evaluation.calibration import UNCALIBRATED, UNCALIBRATED_WITH_NONE, Unseen, calibrate
from trainer.evaluation.scoring import count_answers, score
from trainer.graphs.features import outputs
from trainer.network.assembly import feature_graph, is_relative_to_rest
from trainer.network.backbone import load_backbone
from trainer.training.context import RunContext
from trainer.training.examples import collect_examples
from trainer.training.head import train_head
from trainer.training.learning import TrainingLoop

RESULTS = REPOSITORY / "docs" / "benchmarks" / "few-pictures.json"
RELEASED = REPOSITORY / "models" / "fruit-classifier" / "model.keras"
SIZES = (10, 20, 40, 70)
CLASSES = 4
SPEC = mobilenet_preprocessing()
WORKERS = available_cores()


class Features:
    """Features of whole pictures by a backbone, each computed once."""

    def __init__(self, backbone: keras.Model) -> None:
        with feature_graph(backbone) as graph:
            self._runtime = OnnxSession(graph)
        self._known: dict[str, NDArray[np.float32]] = {}

    def of(self, pictures: Sequence[Picture]) -> NDArray[np.float32]:
        """Returns the features of each picture, shape [n, 1280]."""
        new = list({picture.digest: picture for picture in pictures if picture.digest not in self._known}.values())
        self._known.update(zip((one.digest for one in new), outputs(self._runtime, new, SPEC, WORKERS), strict=True))
        return np.stack([self._known[picture.digest] for picture in pictures])


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--negatives", type=Path, required=True, help="pictures of none of the classes to learn from")
    parser.add_argument(
        "--others", type=Path, required=True, nargs="+", help="folders of pictures of none of the classes to test on"
    )
    parser.add_argument("--weights", type=Path, default=RELEASED, help="backbone (default: the released model)")
    options = parser.parse_args()
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    backbone = load_backbone(SPEC.height, options.weights)
    features = Features(backbone)
    about = {"begun": begun, "weights": options.weights.name, "cores": WORKERS, "classes": CLASSES}
    rows: list[dict[str, Any]] = []
    for size in SIZES:
        rows.append(measure(backbone, features, options, size))
        RESULTS.write_text(json.dumps({"about": about, "sizes": rows}, indent=1) + "\n")
        RESULTS.with_suffix(".md").write_text(page(about, rows))


def measure(backbone: keras.Model, features: Features, options: argparse.Namespace, size: int) -> dict[str, Any]:
    """Trains a version on `size` pictures of each class and tests it."""
    keras.utils.set_random_seed(0)
    with tempfile.TemporaryDirectory(prefix="verger-") as folder:
        dataset = load_dataset(
            DataFolders(folder_of(options.data / "train", Path(folder) / "data", size), negatives=[options.negatives]),
            SPEC,
            WORKERS,
            nothing,
        )
        home = folder_of(options.data / "test", Path(folder) / "test")
        found_elsewhere, _, _ = load_elsewhere([home], dataset.labels, (), SPEC, WORKERS, nothing)
        (pictures,) = found_elsewhere.values()
        others = {name_of(path): load_negatives([path], SPEC, WORKERS, nothing)[0] for path in options.others}
        context = RunContext(dataset, SPEC, TrainerSettings(trainer_workers=WORKERS), ConsoleProgress())
        contract, head = train(context, backbone, features)
        known = logits_of(head, features.of(pictures))
        unknown = {name: logits_of(head, features.of(found)) for name, found in others.items()}
    targets, files = class_indices(pictures, dataset.labels), [picture.path.name for picture in pictures]
    found = score(known, targets, files, contract)
    plain = model_pb2.ModelContract(classes=contract.classes, calibration=UNCALIBRATED)
    named = np.array(found.answers)[:, :-2]
    return {
        "pictures": size,
        "learned": len(dataset.train),
        "validation": len(dataset.validation),
        "tested": found.images,
        "right": found.accuracy,
        "named": int(named.sum()),
        "named_rightly": int(np.trace(named)),
        "unsure": found.unsure_share,
        "refused": found.refused_share,
        "others": {name: answers_to(logits, contract) for name, logits in unknown.items()},
        "calibration_error": found.expected_calibration_error,
        "calibration_error_before": score(known, targets, files, plain).expected_calibration_error,
    }


def name_of(folder: Path) -> str:
    """Returns what the page calls a folder of others."""
    return "/".join(folder.parts[-2:])


def answers_to(logits: NDArray[np.float32], contract: model_pb2.ModelContract) -> dict[str, int]:
    """Returns how many pictures of none of the classes got each kind of answer."""
    *named, unsure, refused = (int(count) for count in count_answers(logits, contract.calibration))
    return {"named": sum(named), "unsure": unsure, "refused": refused}


def folder_of(source: Path, target: Path, size: int | None = None) -> Path:
    """Links the first pictures of the first classes, by name, into a folder of class folders, and returns it."""
    for home in sorted(path for path in source.iterdir() if path.is_dir())[:CLASSES]:
        (target / home.name).mkdir(parents=True)
        for path in sorted(home.iterdir())[:size]:
            (target / home.name / path.name).symlink_to(path.resolve())
    return target


def nothing(done: int, total: int) -> None:
    """Receives progress that nobody follows."""


def train(
    context: RunContext, backbone: keras.Model, features: Features
) -> tuple[model_pb2.ModelContract, keras.Model]:
    """Trains and calibrates as `trainer train` does; returns the classes with the calibration, and the head."""
    dataset = context.dataset
    is_cautious = not can_be_calibrated_on_validation(dataset)
    with context.progress.epochs() as shown:
        examples = collect_examples(context, backbone)
        head, unseen = train_head(context, TrainingLoop(shown), backbone, examples, cross_validated=is_cautious)
    validation = Unseen(
        logits_of(head, features.of(dataset.validation)),
        class_indices(dataset.validation, dataset.labels),
        logits_of(head, features.of(dataset.validation_negatives)),
    )
    uncalibrated = UNCALIBRATED_WITH_NONE if is_relative_to_rest(head) else UNCALIBRATED
    calibration = calibrate(validation.followed_by(unseen), uncalibrated, is_cautious)
    classes = [model_pb2.ClassInfo(label=label) for label in dataset.labels]
    return model_pb2.ModelContract(classes=classes, calibration=calibration), head


def logits_of(head: keras.Model, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns a head's logits, shape [n, classes]."""
    return np.asarray(head(features, training=False))


def page(about: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    """Returns the results as a page in Markdown."""
    totals = {name: sum(answers.values()) for name, answers in rows[0]["others"].items()}
    lines = [
        "# Few pictures",
        "",
        "`python -m benchmarks.few_pictures DIR --negatives DIR --others DIR ...",
        f"--weights {about['weights']}`, started {about['begun']} on",
        f"{about['cores']} cores. Its docstring says what is measured.",
        "",
        f"Folders of {about['classes']} classes, tested on {rows[0]['tested']} other photos of them:",
        "",
        "| pictures of a class | learned in all | best class right | named: of these right | unsure | out of scope | "
        "calibration error | before calibration |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['pictures']} | {row['learned']} | {row['right']:.1%} | {row['named'] / row['tested']:.1%}: "
        f"{row['named_rightly'] / max(row['named'], 1):.1%} | {row['unsure']:.1%} | {row['refused']:.1%} | "
        f"{row['calibration_error']:.3f} | {row['calibration_error_before']:.3f} |"
        for row in rows
    ]
    lines += [
        "",
        "Photos of none of the classes that were named as one of them all the same:",
        "",
        f"| pictures of a class | {' | '.join(f'{name} ({total})' for name, total in totals.items())} |",
        f"| ---: |{' ---: |' * len(totals)}",
    ]
    for row in rows:
        shares = [f"{row['others'][name]['named'] / total:.1%}" for name, total in totals.items()]
        lines.append(f"| {row['pictures']} | {' | '.join(shares)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
