"""Names of files and folders in a data set: what is no picture of its owner, and which folders are its parts. Pure."""

import re

from engine.labels import label_of

_LITTER = frozenset(
    {
        "__macosx",  # zip archives made on macOS
        "icon\r",
        "@eadir",  # thumbnails, snapshots and bins of network drives (Synology, QNAP)
        "@__thumb",
        "@tmp",
        "@recycle",
        "@recently-snapshot",
        "#recycle",
        "#snapshot",
        "$recycle.bin",  # Windows
        "system volume information",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "lost+found",
        "__pycache__",
    }
)
"""Lower-case names of files and folders that hold no pictures of their owner. Names with a leading dot count, too."""

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


def is_litter(name: str) -> bool:
    """Returns whether systems put files or folders of this name beside pictures."""
    return name.startswith(".") or name.lower() in _LITTER


def part_of(name: str) -> str | None:
    """Returns the part that a folder with this name is: "train", "test" or "validation"; None if it is none."""
    match = _PART_NAME.fullmatch(label_of(name))
    return PART_WORDS[match[1]] if match else None
