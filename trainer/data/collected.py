"""Fetches a dataset version of the collection into a folder that the trainer reads like any other."""

from collections.abc import Mapping
from pathlib import Path

from dataset_client.client import PREFIX, connected, reference_of
from dataset_client.fetching import NEGATIVES, SIDES, Fetched, fetch_photos, list_version, place_of
from engine.dataset import NEGATIVE_LABEL, TEST, TRAIN
from trainer.config import TrainerSettings
from trainer.data.dataset import DataFolders, Origin
from trainer.errors import DatasetInvalid
from trainer.progress import Progress

FOLDER = "datasets"
"""In `home`: a folder for each classifier, with the version of it that was fetched last."""


def folders_of(data: str, settings: TrainerSettings, progress: Progress) -> DataFolders:
    """Returns the folders behind --data: a folder itself, or those of collection:NAME@VERSION, which is fetched.

    Photos that were fetched before are not fetched again. Those that the version does not have are removed from its
    folder, so that what was deleted from the collection is deleted here, too.

    Raises:
        DatasetInvalid: the version has a class without photos to learn from, or to test on.
        VergerError: an error of dataset_client.errors.
    """
    if not data.startswith(PREFIX):
        return DataFolders(Path(data))
    reference = reference_of(data)
    root = settings.home / FOLDER / reference.classifier
    with connected(settings) as client:
        with progress.waiting("Asking the collection"):
            version = list_version(client, reference)
        _refuse_empty_classes(version)
        places = {root / place_of(photo): photo for photo in version.photos}
        _remove_others(root, places)
        with progress.counting(f"Fetching {version.reference}") as done:
            gone = fetch_photos(client, places, done)
    deleted = version.dataset.deleted_count + len(gone)
    if deleted:
        progress.warn(
            f"Photos deleted: {deleted} of the photos of {version.reference} have been deleted from the collection "
            "since it was made. The others are used."
        )
    origin = Origin(str(version.reference), version.dataset.digest, deleted)
    negatives = [folder for side in (TRAIN, TEST) if (folder := root / NEGATIVES / side).is_dir()]
    held_out = [folder for folder in negatives if folder.name == TEST]
    return DataFolders(
        root, negatives=[each for each in negatives if each.name == TRAIN], held_out=held_out, origin=origin
    )


def _refuse_empty_classes(version: Fetched) -> None:
    sides: dict[str, set[str]] = {}
    for photo in version.photos:
        sides.setdefault(photo.label, set()).add(SIDES[photo.side])
    for side, verb in ((TRAIN, "learn from"), (TEST, "test on")):
        empty = sorted(label for label, found in sides.items() if label != NEGATIVE_LABEL and side not in found)
        if empty:
            raise DatasetInvalid(
                "DATA_CLASS_EMPTY",
                f"{version.reference} has no photo to {verb} of {', '.join(empty)}. Label more of them, and make a new "
                "version.",
            )


def _remove_others(root: Path, places: Mapping[Path, object]) -> None:
    for file in root.rglob("*") if root.is_dir() else ():
        if file.is_file() and file not in places:
            file.unlink()
    for folder in sorted((each for each in root.rglob("*") if each.is_dir()), reverse=True) if root.is_dir() else ():
        if not any(folder.iterdir()):
            folder.rmdir()
