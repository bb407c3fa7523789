"""Small copies of pictures in a temporary file, so that many epochs decode each picture once."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from verger.v1 import model_pb2

from trainer.data.dataset import Picture
from trainer.data.pictures import map_in_threads, read_pixels
from trainer.data.preprocessing import with_size
from trainer.progress import OnProgress

SIDE_PIXELS = 256
"""Width and height of the copies, 196 kB each. Views of up to 224 pixels show up to a whole picture."""


class PictureStore:
    """Copies of numbered pictures, stretched to a square as in serving. Threads may read at the same time.

    The operating system keeps as much of the file in memory as there is room for, and deletes it when the store or the
    process ends.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        spec: model_pb2.Preprocessing,
        folder: Path,
        workers: int,
        progress: OnProgress,
    ) -> None:
        """Reads all pictures; one that is listed twice is stored once.

        Args:
            folder: where the file is made.

        Raises:
            OSError: there is not enough room, or a picture can't be read any more.
        """
        unique = list({picture.digest: picture for picture in pictures}.values())
        rows = {picture.digest: row for row, picture in enumerate(unique)}
        self._rows = [rows[picture.digest] for picture in pictures]
        folder.mkdir(parents=True, exist_ok=True)
        small = with_size(spec, SIDE_PIXELS)
        found = map_in_threads(lambda picture: read_pixels(picture.path, small), unique, workers)
        with tempfile.TemporaryFile(dir=folder) as file:
            for done, pixels in enumerate(found, start=1):
                file.write(pixels.tobytes())  # unlike a write through the map, it reports a full disk
                progress(done, len(unique))
            file.flush()
            self._pixels = np.memmap(file, np.uint8, "r", shape=(len(unique), SIDE_PIXELS, SIDE_PIXELS, 3))

    def open(self, number: int) -> Image.Image:
        """Returns a picture as RGB."""
        return Image.fromarray(self._pixels[self._rows[number]])
