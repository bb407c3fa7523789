"""The command line: python -m services.collection --help. Results go to stdout, everything else to stderr."""

import argparse
import getpass
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from verger.v1 import datasets_pb2

from dataset_client.client import LATEST, DatasetClient, connected, reference_of
from dataset_client.fetching import OnProgress, list_version
from dataset_client.settings import DatasetClientSettings
from engine.errors import InvalidArgument, VergerError
from services.collection.commands.exporting import Format, export
from services.collection.commands.importing import Imported, Sender
from services.collection.commands.layouts import TASKS, find_items
from services.collection.commands.sources import opened
from services.common.process.start import problems_of

NOTES = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)

MAX_NAMED = 20
"""Photos that were refused of which an import names each."""


class CommandSettings(DatasetClientSettings):
    """Settings of the commands, from the environment (VERGER_ + the field's name) or from .env."""

    model_name: str = Field(default="fruit-classifier", pattern=r"^[\w.-]+$")
    """Name of the registered model that photos and versions are for, unless the command says otherwise."""

    max_image_bytes: int = Field(default=20 * 2**20, ge=1024, le=2**30)
    """Largest encoded photo in bytes, as the collection has it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status: 0, 1 if it could not be done, 2 if it was not understood."""
    options = _parser().parse_args(arguments)
    try:
        settings = CommandSettings()
    except ValidationError as error:
        for problem in problems_of(error):
            NOTES.print(problem)
        return 2
    try:
        with connected(settings) as client:
            status: int = options.run(client, settings, options)
            return status
    except VergerError as error:
        NOTES.print(f"{error.reason} {error}")
        return 2 if isinstance(error, InvalidArgument) else 1
    except KeyboardInterrupt:
        NOTES.print("Stopped. The same command goes on where this one stopped.")
        return 130


def _import(client: DatasetClient, settings: CommandSettings, options: argparse.Namespace) -> int:
    classifier = options.classifier or settings.model_name
    source_path = options.source.parent if options.source.name == TASKS else options.source
    with opened(source_path) as source:
        found = find_items(source, options.none)
        if found.left_out:
            NOTES.print(f"{found.left_out} files lie in no class folder, or have no label, and are left out.")
        sender = Sender(source, found.items, classifier, _who(), settings.max_image_bytes)
        with _counting("Importing") as progress:
            imported = sender.send(client, progress)
    _tell(imported, classifier)
    return 1 if imported.refusals else 0


def _tell(imported: Imported, classifier: str) -> None:
    counts = imported.counts
    added, known = counts[datasets_pb2.IMPORT_STATE_ADDED], counts[datasets_pb2.IMPORT_STATE_KNOWN]
    sys.stdout.write(f"{added} photos are new in the collection of {classifier}, {known} were there already.\n")
    if other := counts[datasets_pb2.IMPORT_STATE_OTHER_LABEL]:
        NOTES.print(f"{other} were there with another label, which they keep.")
    if imported.refusals:
        NOTES.print(f"{len(imported.refusals)} can't be kept, and nothing of them is:")
    for refusal in imported.refusals[:MAX_NAMED]:
        NOTES.print(f"  {refusal.name}: {refusal.reason} {refusal.message}")
    if len(imported.refusals) > MAX_NAMED:
        NOTES.print(f"  and {len(imported.refusals) - MAX_NAMED} more")


def _export(client: DatasetClient, _: CommandSettings, options: argparse.Namespace) -> int:
    version = list_version(client, reference_of(options.version))
    with _counting("Exporting") as progress:
        gone = export(client, version, options.folder, options.format, progress)
    count = len(version.photos) - len(gone)
    sys.stdout.write(f"{options.folder} holds the {count} photos of {version.reference}.\n")
    if deleted := version.dataset.deleted_count + len(gone):
        NOTES.print(f"{deleted} of its photos have been deleted since it was made.")
    return 0


def _make(client: DatasetClient, settings: CommandSettings, options: argparse.Namespace) -> int:
    made = client.make(options.classifier or settings.model_name, _who())
    sys.stdout.write(f"{_line(made.dataset)}\n")
    if not made.is_new:
        NOTES.print("Nothing has changed since this version, so no other was made.")
    if made.left_out:
        NOTES.print(f"{made.left_out} labelled photos are left out, because they resemble photos of both sides.")
    return 0


def _list(client: DatasetClient, settings: CommandSettings, options: argparse.Namespace) -> int:
    classifier = options.classifier or settings.model_name
    lines = [_line(version) for version in client.versions(classifier)]
    for line in lines:
        sys.stdout.write(f"{line}\n")
    if not lines:
        NOTES.print(f"There is no version of the data set of {classifier} yet. `dataset make` makes one.")
    return 0


def _line(version: datasets_pb2.Dataset) -> str:
    classes = [found for found in version.classes if found.label]
    train, test = (sum(getattr(found, name) for found in version.classes) for name in ("train_count", "test_count"))
    negatives = sum(found.train_count + found.test_count for found in version.classes if not found.label)
    deleted = f", {version.deleted_count} deleted since" if version.deleted_count else ""
    return (
        f"collection:{version.classifier}@{version.version}  {version.made_at.ToJsonString()[:16]}  {version.made_by}  "
        f"{len(classes)} classes, {train} photos to learn from, {test} to test on, {negatives} of none of the classes"
        f"{deleted}  {version.digest[:12]}"
    )


def _who() -> str:
    try:
        return getpass.getuser()[:100]
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        return "somebody"


@contextmanager
def _counting(text: str) -> Iterator[OnProgress]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=NOTES, transient=True, disable=not NOTES.is_terminal) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.collection",
        description="Photos and dataset versions in the collection. Without arguments, the service itself runs.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    classifier = argparse.ArgumentParser(add_help=False)
    classifier.add_argument("--classifier", help="name of the registered model (default: VERGER_MODEL_NAME)")
    take = commands.add_parser(
        "import", parents=[classifier], help="keep the labelled photos of a folder or zip archive"
    )
    take.add_argument(
        "source",
        type=Path,
        help="folders of classes, with or without train/ and test/; Hugging Face's imagefolder with metadata.jsonl; or "
        "tasks.json of Label Studio",
    )
    take.add_argument("--none", action="store_true", help="all its photos show none of the classes")
    take.set_defaults(run=_import)
    give = commands.add_parser("export", help="write the photos of a dataset version into a folder")
    give.add_argument("version", help=f"NAME@VERSION; VERSION is a number or {LATEST}")
    give.add_argument("folder", type=Path)
    give.add_argument(
        "--format", type=Format, choices=list(Format), default=Format.FOLDERS, help="default: %(default)s"
    )
    give.set_defaults(run=_export)
    dataset = commands.add_parser("dataset", help="make and list dataset versions")
    versions = dataset.add_subparsers(required=True, metavar="COMMAND")
    make = versions.add_parser("make", parents=[classifier], help="freeze what is labelled now as a new version")
    make.set_defaults(run=_make)
    versions.add_parser("list", parents=[classifier], help="show all versions, newest first").set_defaults(run=_list)
    return parser
