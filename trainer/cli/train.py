"""`trainer train`."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import (
    NOTES,
    ConsoleProgress,
    announce,
    native_messages_hidden,
    show_outcome,
    warn_of_few_pictures,
)
from trainer.cli.options import Data, Elsewhere, load_settings, reachable_registry

ExtraFolders = Annotated[
    list[Path], typer.Option("--more", help="Class folders with more pictures, for training only. May be repeated.")
]
NegativeFolders = Annotated[
    list[Path],
    typer.Option(
        "--negatives",
        help="Pictures of none of the classes, which the version learns to refuse, in addition to the negatives that "
        "its starting version remembers (lost with --fine-tune). May be repeated.",
    ),
]
Epochs = Annotated[int, typer.Option(min=1, max=1000, help="Epochs of the dense layers.")]
Weights = Annotated[
    str, typer.Option(help='Backbone weights: "release", "champion", "imagenet" (downloads them), or a file.')
]
FineTune = Annotated[
    bool, typer.Option("--fine-tune", help="Then train all layers: more accurate, about 30 times the work.")
]
Seed = Annotated[int, typer.Option(min=0, help="The same seed and data give the same model.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue the same interrupted run after its last complete epoch.")
]


def train(
    data: Data,
    extra: ExtraFolders = [],  # noqa: B006  # Typer copies the list
    negatives: NegativeFolders = [],  # noqa: B006
    elsewhere: Elsewhere = [],  # noqa: B006
    epochs: Epochs = 5,
    weights: Weights = "release",
    fine_tune: FineTune = False,
    seed: Seed = 0,
    resume: Resume = False,
) -> None:
    """Trains a model, registers it, and makes it champion if it is not worse than the present champion.

    It computes in 8-bit integers if these lose at most 0.3 points of accuracy and are faster here.
    """
    from trainer.data.collected import folders_of
    from trainer.data.few import problems_of_few
    from trainer.data.loading import load_dataset
    from trainer.data.preprocessing import mobilenet_preprocessing

    settings, preprocessing, progress = load_settings(), mobilenet_preprocessing(), ConsoleProgress()
    reachable_registry(settings)  # training ends there after hours, so a missing registry must show now
    try:
        found = folders_of(data, settings, progress)
        folders = replace(found, extra=extra, negatives=[*found.negatives, *negatives], elsewhere=elsewhere)
        with progress.counting("Reading pictures") as done:
            dataset = load_dataset(folders, preprocessing, settings.trainer_workers, done)
        announce(dataset)
        warn_of_few_pictures([*problems_of_few(dataset, fine_tune)])
        progress.note("Loading TensorFlow ...")
        # TensorFlow counts the machine's cores instead of those that a container may use.
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(settings.trainer_workers))
        with native_messages_hidden():
            from trainer.runs.train import train as run
            from trainer.training.context import RunContext
            from trainer.training.recipe import recipe
        context = RunContext(dataset, preprocessing, settings, progress, recipe(epochs, fine_tune), seed)
        outcome = run(context, weights, resume)
    except KeyboardInterrupt:
        NOTES.print(
            "Stopped. Nothing was registered; MLflow shows the run, if it had begun, as killed. "
            "The same command with --resume continues it."
        )
        raise typer.Exit(130) from None
    show_outcome(outcome, settings.trainer_command)
