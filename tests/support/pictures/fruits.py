"""Makes a small data set of fruit photographs for short trainings."""

import shutil
from pathlib import Path


def copy_few_fruits(photo_data: Path, folder: Path, train: int, test: int) -> Path:
    """Copies `train` and `test` photographs of each class into `folder`. Returns `folder`."""
    for part, count in (("train", train), ("test", test)):
        for source in sorted((photo_data / "fruits" / part).iterdir()):
            target = folder / part / source.name
            target.mkdir(parents=True)
            for picture in sorted(source.iterdir())[:count]:
                shutil.copy(picture, target)
    return folder
