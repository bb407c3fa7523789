"""`bulk classify`."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from verger.v1 import model_pb2

from bulk.cli.console import NOTES, ConsoleWatcher, show_estimate, show_summary
from bulk.config import BulkSettings
from bulk.engines.crew import Crew
from bulk.engines.worker import Setup
from bulk.errors import SettingInvalid
from bulk.estimate import estimate
from bulk.output.tables import Format
from bulk.run import Engines, Job, Version, classify_all
from bulk.sources.source import absolute


class EngineName(StrEnum):
    """Where photos are classified."""

    LOCAL = "local"
    RAY = "ray"


def classify(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder, a pattern such as 'photos/*.jpg', a list (.txt with a name a line; .csv, .parquet), "
            "or an address such as s3://bucket/folder."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Folder of the results. An interrupted run goes on with it.")],
    model: Annotated[
        str, typer.Option(help='NAME@ALIAS, NAME/VERSION, an alias, a version number, a directory, or "release".')
    ] = "champion",
    column: Annotated[str, typer.Option(help="Column of a CSV or Parquet list that holds the names.")] = "path",
    top_k: Annotated[int, typer.Option(min=1, help="Predictions in each row.")] = 3,
    form: Annotated[
        Format, typer.Option("--format", help="csv and jsonl make one file more, beside the Parquet parts.")
    ] = Format.PARQUET,
    sort_into: Annotated[
        Path | None, typer.Option(help="Empty folder that gets a folder of photos for each class.")
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy sorted photos; otherwise they are linked.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count and estimate only.")] = False,
    engine: Annotated[EngineName, typer.Option(help="ray needs requirements/bulk-ray.txt.")] = EngineName.LOCAL,
    address: Annotated[str | None, typer.Option(help="Address of a Ray cluster; none starts Ray here.")] = None,
) -> None:
    """Classifies all photos of SOURCE, one row each. A photo that can't be read is a row with a reason."""
    settings = load_settings()
    job = Job(absolute(source), column, output.absolute(), top_k, settings.limits, form, sort_into, copy)
    with _version(model, job, settings) as version:
        if dry_run:
            show_estimate(estimate(job, version, settings.bulk_workers, ConsoleWatcher()), settings.bulk_workers)
            return
        engines = _ray(settings, address) if engine is EngineName.RAY else _local(settings)
        try:
            summary = classify_all(job, version, engines, ConsoleWatcher())
        except KeyboardInterrupt:
            NOTES.print("Stopped. The same command goes on where it was.")
            raise typer.Exit(130) from None
    show_summary(summary)


def load_settings() -> BulkSettings:
    """Reads the settings. Raises SettingInvalid with the names of invalid ones."""
    try:
        return BulkSettings()
    except ValidationError as error:
        problems = "; ".join(f"VERGER_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors())
        raise SettingInvalid(f"A setting from the environment or .env is invalid. {problems}.") from error


@contextmanager
def _version(reference: str, job: Job, settings: BulkSettings) -> Iterator[Version]:
    from registry.reference import opened

    with opened(reference, [model_pb2.ModelFile.ROLE_SERVING], settings) as (ref, directory):
        setup = Setup(ref.SerializeToString(), str(directory.path.resolve()), job.limits, job.top_k)
        yield Version(setup, ref.name, ref.version, directory)


def _local(settings: BulkSettings) -> Engines:
    return lambda setup: Crew(setup, settings.bulk_workers, settings.bulk_photo_seconds)


def _ray(settings: BulkSettings, address: str | None) -> Engines:
    from bulk.engines.ray_data import RayEngine

    return lambda setup: RayEngine(setup, settings.bulk_workers, settings.bulk_photo_seconds, address)
