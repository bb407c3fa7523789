"""The command line: reads options, calls the module that does the work, turns errors into a sentence and an exit code.

Modules are imported when their command runs: registry commands work without the training libraries.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape
from verger.v1 import model_pb2

from engine.errors import InvalidArgument, VergerError
from trainer.cli.console import (
    NOTES,
    RESULTS,
    announce,
    counting,
    evaluation_table,
    native_messages_hidden,
    warn_of_overlap,
    warn_of_unreadable,
)
from trainer.config import TrainerSettings
from trainer.data.dataset import load_dataset, load_negatives, load_test_part
from trainer.errors import SettingInvalid
from trainer.training.recipe import recipe

if TYPE_CHECKING:
    from registry.models import Registry
    from trainer.training.candidate import Outcome

app = typer.Typer(
    help="Trains image classifiers and keeps their versions in MLflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

SERVING, TRAINING = model_pb2.ModelFile.ROLE_SERVING, model_pb2.ModelFile.ROLE_TRAINING

DataFolder = Annotated[
    Path, typer.Option("--data", help="Folder with train/ and test/ parts of class folders, or with class folders.")
]
Model = Annotated[
    str,
    typer.Option("--model", help='A directory, "release", a version number, an alias, or a models:/ URI.'),
]


@app.command()
def train(
    data: DataFolder,
    more: Annotated[
        list[Path], typer.Option(help="Class folders with further pictures, for training only. May be repeated.")
    ] = [],  # noqa: B006  # typer makes its own list
    negatives: Annotated[
        list[Path],
        typer.Option(
            help="Pictures of none of the classes, to learn to refuse, beside those that the version trained on "
            "remembers (its features of them; lost with --fine-tune). May be repeated."
        ),
    ] = [],  # noqa: B006
    epochs: Annotated[int, typer.Option(min=1, max=1000, help="Epochs of the dense layers.")] = 5,
    weights: Annotated[
        str, typer.Option(help='Backbone weights: "release", "champion", "imagenet" (downloads), or a file.')
    ] = "release",
    fine_tune: Annotated[
        bool, typer.Option("--fine-tune", help="Go on with all layers: about 30 times the work, and better.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same data: same model.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the same run where it broke off, after its last whole epoch.")
    ] = False,
) -> None:
    """Trains a model, registers it, and makes it champion if it is at least as good as today's."""
    settings = _settings()
    _registry()  # hours of training end there: better to know at once that it is away
    try:
        with counting("Reading pictures") as progress:
            dataset = load_dataset(data, more, negatives, settings.trainer_workers, progress)
        announce(dataset)
        # TensorFlow counts the machine's cores, not those that a container may use.
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(settings.trainer_workers))
        with native_messages_hidden():
            from trainer.training.run import train as run
        outcome = run(dataset, weights, recipe(epochs, fine_tune), seed, settings, resume)
    except KeyboardInterrupt:
        NOTES.print(
            "Stopped. Nothing was registered; MLflow shows the run, if it had begun, as killed. "
            "The same command with --resume goes on with it."
        )
        raise typer.Exit(130) from None
    _tell(outcome)


@app.command()
def evaluate(
    data: DataFolder,
    model: Model = "champion",
    negatives: Annotated[
        list[Path], typer.Option(help="Pictures of none of the classes, that should be refused. May be repeated.")
    ] = [],  # noqa: B006
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
) -> None:
    """Scores a version on the test pictures of a folder, with the graph that is served.

    Test pictures that show the same photo as a training picture of the folder are left out.
    """
    from trainer.evaluation.evaluate import evaluate as score
    from trainer.release.reference import opened

    settings = _settings()
    workers = settings.trainer_workers
    with opened(model, [SERVING], settings) as version:
        labels = [info.label for info in version.contract.classes]
        with counting("Reading pictures") as progress:
            pictures, overlap, unreadable = load_test_part(data, labels, workers, progress)
            strangers, unreadable_too = load_negatives(negatives, workers, progress)
        unreadable = [*unreadable, *unreadable_too]
        warn_of_overlap(overlap)
        warn_of_unreadable(unreadable)
        with counting("Testing") as progress:
            graph, contract = version.file(SERVING), version.contract
            evaluation = score(graph, contract, pictures, strangers, data, workers, progress)
        digest = version.digest
    RESULTS.print(evaluation_table(evaluation, f"Model {digest[:12]} on {data}"))
    if json_file:
        left_out = {
            "unreadable": [{"file": str(file.path), "reason": file.reason} for file in unreadable],
            "overlap": [{"test": str(pair.test.path), "train": str(pair.train.path)} for pair in overlap],
        }
        content = {"model": model, "digest": digest, "data": str(data), **left_out, **evaluation.to_dict()}
        json_file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


@app.command()
def quantise(
    data: DataFolder,
    version: Annotated[
        str, typer.Argument(help='Float version: a number in the registry, or an alias such as "champion".')
    ] = "champion",
    negatives: Annotated[
        list[Path],
        typer.Option(
            help="Pictures of none of the classes, to compare refusals on: what the version remembers of others is of "
            "no use here. May be repeated."
        ),
    ] = [],  # noqa: B006
) -> None:
    """Makes a faster version with 8-bit integers; champion if it passes the gate and loses at most 0.3 points."""
    settings, registry = _settings(), _registry()
    number = registry.number_of(version)
    with native_messages_hidden():
        from trainer.release.reference import opened
        from trainer.training.quantise import ROLES, refuse_quantised
        from trainer.training.quantise import quantise as run
    with opened(f"models:/{registry.name}/{number}", ROLES, settings) as parent:
        refuse_quantised(parent, number, registry)
        with counting("Reading pictures") as progress:
            dataset = load_dataset(data, [], negatives, settings.trainer_workers, progress)
        announce(dataset)
        outcome = run(parent, number, dataset, registry, settings)
    _tell(outcome)


@app.command()
def predict(
    files: Annotated[list[Path], typer.Argument(help="Pictures.")],
    model: Model = "champion",
    keras: Annotated[bool, typer.Option("--keras", help="Run the Keras model instead of the served graph.")] = False,
) -> None:
    """Answers as serving would, one JSON object a line. Exit code 1 when a file can't be read."""
    from trainer.evaluation.predict import open_runtime, predict_file
    from trainer.release.reference import opened

    with opened(model, [TRAINING if keras else SERVING], _settings()) as version:
        runtime = open_runtime(version, keras)
        answers = [predict_file(path, version.contract, runtime) for path in files]
    for answer in answers:
        typer.echo(json.dumps(answer))
    if any("error" in answer for answer in answers):
        raise typer.Exit(1)


@app.command()
def promote(version: Annotated[str, typer.Argument(help="Version number in the registry.")]) -> None:
    """Makes a version champion by hand; the champion before becomes `previous`."""
    before = _registry().promote(version)
    RESULTS.print(f"Version {version} is champion{f'; before it was version {before}' if before else ''}.")


@app.command()
def rollback() -> None:
    """Makes the champion before champion again. A second rollback goes forward again."""
    old, new = _registry().rollback()
    RESULTS.print(f"Version {new} is champion again; version {old} is kept as previous.")


@app.command("import-release")
def import_release() -> None:
    """Registers the released model as champion where the registry has no version yet."""
    from trainer.release.release import import_release as run

    settings = _settings()
    version = run(settings)
    if version:
        RESULTS.print(f"The release is version {version} of {settings.model_name} and champion.")
    else:
        RESULTS.print(f"{settings.model_name} has versions already; nothing to do.")


@app.command()
def release(version: Annotated[str, typer.Argument(help="Version number in the registry.")]) -> None:
    """Writes a registered version with its model card to the release directory (VERGER_RELEASE_DIR)."""
    from trainer.release.release import write_release

    settings = _settings()
    written = write_release(version, settings)
    RESULTS.print(f"{settings.release_dir} now holds version {version}, digest {written.digest[:12]}.")


@app.command()
def fetch(
    destination: Annotated[Path, typer.Option("--to", help="Folder that is made.")] = Path("data/fruits"),
) -> None:
    """Downloads the Kaggle set "Fruit classification (10 Class)" to train on."""
    from trainer.data.fetch import fetch_dataset

    RESULTS.print(f"Ready: python -m trainer train --data {fetch_dataset(destination)}")


def _settings() -> TrainerSettings:
    try:
        return TrainerSettings()
    except ValidationError as error:
        problems = "; ".join(f"VERGER_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors())
        raise SettingInvalid(f"A setting from the environment or .env can't be used. {problems}.") from error


def _tell(outcome: "Outcome") -> None:
    RESULTS.print(evaluation_table(outcome.evaluation, "Test pictures"))
    if outcome.decision.passed:
        RESULTS.print(f"Version {outcome.version} is champion. {outcome.decision.reason}")
    else:
        RESULTS.print(f"Version {outcome.version} is challenger. {outcome.decision.reason}")
        RESULTS.print(f"To make it champion all the same: python -m trainer promote {outcome.version}")


def _registry() -> "Registry":
    from registry.models import Registry

    settings = _settings()
    registry = Registry(settings.mlflow_url, settings.model_name)
    registry.wait()
    return registry


def main() -> None:
    """Exit codes: 0 done, 1 something is away or broken, 2 the call is wrong, 130 stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stopped container ends a run as Ctrl-C does
    try:
        app()
    except VergerError as error:
        NOTES.print(f"[bold red]{error.reason}[/] {escape(str(error))}")
        sys.exit(2 if isinstance(error, InvalidArgument) else 1)
    except ModuleNotFoundError as error:
        NOTES.print(
            f"[bold red]PACKAGE_MISSING[/] This command needs the package {error.name}, which is not installed here. "
            "Use the trainer's environment (./launch.sh --train makes it) or install requirements/trainer.txt."
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
