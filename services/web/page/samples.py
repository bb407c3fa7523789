"""The sample pictures that the page offers, one a label: static/samples/LABEL.webp."""

from functools import cache

from services.web.page.assets import STATIC_FOLDER

_FOLDER = STATIC_FOLDER / "samples"


@cache
def sample_labels() -> frozenset[str]:
    """Returns the labels that have a sample picture."""
    return frozenset(path.stem for path in _FOLDER.glob("*.webp"))


@cache
def sample_bytes(label: str) -> bytes:
    """Returns the sample picture of a label, which must be one of sample_labels()."""
    return (_FOLDER / f"{label}.webp").read_bytes()
