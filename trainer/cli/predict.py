"""`trainer predict`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from verger.v1 import model_pb2

from engine.version import VersionDirectory
from trainer.cli.console import native_messages_hidden
from trainer.cli.options import Model, load_settings

if TYPE_CHECKING:
    from trainer.evaluation.predict import Runtime

SERVING, TRAINING = model_pb2.ModelFile.ROLE_SERVING, model_pb2.ModelFile.ROLE_TRAINING


def predict(
    files: Annotated[list[Path], typer.Argument(help="Pictures.")],
    model: Model = "champion",
    keras: Annotated[bool, typer.Option("--keras", help="Run the Keras model instead of the served graph.")] = False,
) -> None:
    """Prints the answers that serving would give, one JSON object per line. Exit code 1 if a file can't be read."""
    from registry.reference import opened
    from trainer.evaluation.predict import predict_file

    with opened(model, [TRAINING if keras else SERVING], load_settings()) as (_, version):
        runtime = _keras_runtime(version) if keras else _serving_runtime(version)
        answers = [predict_file(path, version.contract, runtime) for path in files]
    for answer in answers:
        typer.echo(json.dumps(answer))
    if any("error" in answer for answer in answers):
        raise typer.Exit(1)


def _serving_runtime(version: VersionDirectory) -> "Runtime":
    from engine.model.session import OnnxSession

    return OnnxSession(version.file(SERVING))


def _keras_runtime(version: VersionDirectory) -> "Runtime":
    """Returns the Keras model, which is in float even if the served graph is int8."""
    with native_messages_hidden():
        from trainer.network.assembly import KerasRuntime

    return KerasRuntime(version.file(TRAINING))
