"""Downloads the Kaggle set "Fruit classification (10 Class)" into a data folder. Needs internet access."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import kagglehub

from trainer.data.folders import find_parts
from trainer.errors import DatasetInvalid, DownloadFailed

DATASET = "karimabdulnabi/fruit-classification10-class"


def fetch_dataset(destination: Path) -> Path:
    """Downloads the set into kagglehub's cache if it is not there, and copies it to `destination`.

    The copy has the layout <part>/<label>/<file> with normalised labels. Files keep their names, even where the
    extension does not match the format.

    Raises:
        DownloadFailed: Kaggle can't be reached or refuses.
        DatasetInvalid: `destination` is not empty, or the archive has an unexpected layout.
    """
    if destination.exists() and any(destination.iterdir()):
        raise DatasetInvalid("DATA_EXISTS", f"{destination} is not empty. Name another folder, or remove it.")
    try:
        archive = Path(kagglehub.dataset_download(DATASET))
    except Exception as error:  # whatever requests, zipfile and Kaggle's own client raise
        why = " ".join(str(error).split()).rstrip(".")
        raise DownloadFailed(
            f"{DATASET} can't be downloaded from Kaggle: {why}. Check the connection, or download it by hand from "
            f"https://www.kaggle.com/datasets/{DATASET} and name the unpacked folder with --data."
        ) from error
    for part, folders in find_parts(archive).parts.items():
        for label, homes in folders.items():
            _copy(homes, destination / part / label)
    return destination


def _copy(homes: Sequence[Path], target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for home in homes:
        for path in sorted(home.iterdir()):
            free = target / path.name
            if free.exists():  # two spellings of one class may use the same file names
                free = target / f"{home.name}-{path.name}"
            shutil.copyfile(path, free)
