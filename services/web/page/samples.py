"""The sample pictures that the page offers: static/samples/LABEL.webp of a class, static/samples/others/NAME.webp.

The others show what the model is not sure of, or none of its classes. The translations name them (samples.others).
"""

from functools import cache

from services.web.page.assets import STATIC_FOLDER

OTHERS = "others"
"""Folder of the other pictures; their keys are "others/NAME"."""

_FOLDER = STATIC_FOLDER / "samples"


@cache
def sample_keys() -> frozenset[str]:
    """Returns the keys of all sample pictures: the label of a class, or "others/NAME"."""
    return frozenset(path.relative_to(_FOLDER).with_suffix("").as_posix() for path in _FOLDER.rglob("*.webp"))


@cache
def sample_bytes(key: str) -> bytes:
    """Returns a sample picture; its key must be one of sample_keys()."""
    return (_FOLDER / f"{key}.webp").read_bytes()
