"""`trainer quantise`."""

from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import ConsoleProgress, announce, native_messages_hidden, show_outcome
from trainer.cli.options import Data, load_settings, reachable_registry


def quantise(
    data: Data,
    version: Annotated[
        str, typer.Argument(help='Float version: a number in the registry, or an alias such as "champion".')
    ] = "champion",
    negatives: Annotated[
        list[Path],
        typer.Option(
            help="Pictures of none of the classes, on which refusal is compared: the negatives that the version "
            "remembers can't be used for that. May be repeated."
        ),
    ] = [],  # noqa: B006  # Typer copies the list
) -> None:
    """Makes a faster int8 version; champion if it passes the gate and loses at most 0.3 points of accuracy."""
    settings, progress = load_settings(), ConsoleProgress()
    registry = reachable_registry(settings)
    number = registry.number_of(version)
    with native_messages_hidden():
        from trainer.data.dataset import DataFolders
        from trainer.data.loading import load_dataset
        from trainer.release.reference import opened
        from trainer.runs.judge import RegisteredVersion
        from trainer.runs.quantise import ROLES, refuse_quantised
        from trainer.runs.quantise import quantise as run
        from trainer.training.context import RunContext
    with opened(f"models:/{registry.name}/{number}", ROLES, settings) as directory:
        parent, preprocessing = RegisteredVersion(number, directory), directory.contract.preprocessing
        refuse_quantised(parent, registry, settings.trainer_command)
        with progress.counting("Reading pictures") as done:
            folders = DataFolders(data, negatives=negatives)
            dataset = load_dataset(folders, preprocessing, settings.trainer_workers, done)
        announce(dataset)
        outcome = run(RunContext(dataset, preprocessing, settings, progress), parent)
    show_outcome(outcome, settings.trainer_command)
