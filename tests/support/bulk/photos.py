"""Folders of photos for bulk classification."""

import os
from pathlib import Path

from tests.support.pictures.photos import BLUE, GREEN, RED, encoded, plain, scene


def colour_folder(folder: Path, size: tuple[int, int] = (64, 48)) -> Path:
    """Writes a red, a green and a blue photo in two subfolders."""
    for name, colour in (("a/red.jpg", RED), ("b/green.png", GREEN), ("b/blue.jpg", BLUE)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(plain(colour, size), "PNG" if name.endswith("png") else "JPEG"))
    return folder


def many_photos(folder: Path, count: int, size: tuple[int, int] = (1200, 800)) -> Path:
    """Writes a few photos that take some milliseconds each, and links to them until there are `count`."""
    folder.mkdir(parents=True)
    kinds = 5
    for number in range(count):
        path = folder / f"{number:05}.jpg"
        if number < kinds:
            path.write_bytes(encoded(scene(size, seed=number)))
        else:
            os.link(folder / f"{number % kinds:05}.jpg", path)
    return folder
