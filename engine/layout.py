"""Names of folders in a data set: which of them are its parts. Pure."""

import re

from engine.labels import label_of

PART_WORDS = {
    "train": "train",
    "training": "train",
    "entraînement": "train",
    "entrainement": "train",
    "apprentissage": "train",
    "test": "test",
    "tests": "test",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
_PART_NAME = re.compile(rf"({'|'.join(PART_WORDS)})(_?(set|data|images))?")


def part_of(name: str) -> str | None:
    """Returns the part that a folder with this name is: "train", "test" or "validation"; None if it is none."""
    match = _PART_NAME.fullmatch(label_of(name))
    return PART_WORDS[match[1]] if match else None
