"""`trainer fetch`."""

from pathlib import Path
from typing import Annotated

import typer

from trainer.cli.console import RESULTS


def fetch(
    destination: Annotated[Path, typer.Option("--to", help="Folder to create.")] = Path("data/fruits"),
) -> None:
    """Downloads the Kaggle data set "Fruit classification (10 Class)"."""
    from trainer.data.fetch import fetch_dataset

    RESULTS.print(f"Ready: python -m trainer train --data {fetch_dataset(destination)}")
