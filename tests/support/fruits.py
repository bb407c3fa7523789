"""A part of the fruit photographs: enough to train on, few enough for minutes."""

import shutil
from pathlib import Path


def copy_few_fruits(photo_data: Path, folder: Path, train: int, test: int) -> Path:
    """Copies so many photographs of each class into `folder`, in the layout of the whole."""
    for part, count in (("train", train), ("test", test)):
        for source in sorted((photo_data / "fruits" / part).iterdir()):
            target = folder / part / source.name
            target.mkdir(parents=True)
            for picture in sorted(source.iterdir())[:count]:
                shutil.copy(picture, target)
    return folder
