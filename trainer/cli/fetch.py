"""`trainer fetch`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import RESULTS
from trainer.cli.options import load_settings


def fetch(
    destination: Annotated[Path, typer.Option("--to", help="Folder to create.")] = Path("data/fruits"),
) -> None:
    """Downloads the Kaggle data set "Fruit classification (10 Class)"."""
    from trainer.data.fetch import fetch_dataset

    settings = load_settings()
    RESULTS.print(f"Ready: {settings.trainer_command} train --data {shlex.quote(str(fetch_dataset(destination)))}")
