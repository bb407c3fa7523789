"""Options that several commands have, and the settings and the registry that commands start with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from trainer.cli.console import NOTES
from trainer.config import TrainerSettings
from trainer.errors import SettingInvalid

if TYPE_CHECKING:
    from registry.models import Registry

Data = Annotated[
    str,
    typer.Option(
        "--data",
        help="Folder with train/ and test/ parts of class folders, or with class folders; or collection:NAME@VERSION, "
        'a dataset version of the collection (VERSION is a number or "latest").',
    ),
]
Elsewhere = Annotated[
    list[Path],
    typer.Option(
        "--elsewhere", help="Class folders with pictures from other collections, for testing. May be repeated."
    ),
]
Model = Annotated[
    str,
    typer.Option("--model", help='A directory, "release", a version number, an alias, or a models:/ URI.'),
]
Version = Annotated[str, typer.Argument(help="Version number in the registry.")]


def load_settings() -> TrainerSettings:
    """Reads the settings and says which registry they name. Raises SettingInvalid with the names of invalid ones."""
    try:
        settings = TrainerSettings()
    except ValidationError as error:
        problems = "; ".join(f"VERGER_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors())
        raise SettingInvalid(f"A setting from the environment or .env is invalid. {problems}.") from error
    NOTES.print(f"Registry: {settings.model_name} in MLflow at {settings.mlflow_url}", markup=False)
    return settings


def reachable_registry(settings: TrainerSettings) -> "Registry":
    """Returns the registry. Raises RegistryUnavailable if MLflow does not answer."""
    from registry.models import Registry

    registry = Registry(settings.mlflow_url, settings.model_name)
    registry.wait()
    return registry
