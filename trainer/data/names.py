"""Names of classes: stable labels for programs, display names for people."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from verger.v1 import model_pb2

from engine.labels import label_of
from trainer.errors import DatasetInvalid

NAMES_FILE = "classes.json"

MAX_GROUPS_OF_A_FOLDER = 8
"""Groups of negatives in one folder that are evaluated apart."""
NO_GROUP = "others"
"""Group of pictures whose file names have no word."""
MIN_PICTURES_OF_A_PART = 30
"""Pictures of a group in a collection of test pictures that is evaluated apart."""

# Spelled as in the middle of a sentence; the page capitalises a name that stands alone.
_BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "apple": {"en": "apple", "fr": "pomme"},
    "avocado": {"en": "avocado", "fr": "avocat"},
    "banana": {"en": "banana", "fr": "banane"},
    "cherry": {"en": "cherry", "fr": "cerise"},
    "kiwi": {"en": "kiwi", "fr": "kiwi"},
    "mango": {"en": "mango", "fr": "mangue"},
    "orange": {"en": "orange", "fr": "orange"},
    "pineapple": {"en": "pineapple", "fr": "ananas"},
    "strawberry": {"en": "strawberry", "fr": "fraise"},
    "watermelon": {"en": "watermelon", "fr": "pastèque"},
}


_PLURALS = (("s", ""), ("es", ""), ("ies", "y"), ("ves", "f"), ("ves", "fe"))
"""Endings of regular English plurals, and what they have in the singular instead."""

_WORDS = re.compile(r"[^\W\d_]+")


def singulars_of(label: str) -> frozenset[str]:
    """Returns a label and what it may be the regular English plural of: {"berries", "berrie", "berry"} for "berries".

    Two labels that share one are taken for the same name. Which of them are words is not looked up.
    """
    endings = [(plural, singular) for plural, singular in _PLURALS if label.endswith(plural)]
    return frozenset([label, *(label.removesuffix(plural) + singular for plural, singular in endings)])


def class_info(label: str, own_names: Mapping[str, Mapping[str, str]]) -> model_pb2.ClassInfo:
    """Returns a class with its names: those of the folder's classes.json, else the built-in ones, else its label."""
    names = own_names.get(label) or _BUILT_IN.get(label) or {"en": label.replace("_", " ")}
    return model_pb2.ClassInfo(label=label, display_names=names)


def group_of(path: Path) -> str:
    """Returns the group of a picture: the first word of its file name that its folder's name does not contain.

    It is "shelf" for apple/apple_shelf_1.jpg, "animal" for animal_1.jpg in any other folder, "others" without a word.
    """
    folder = _WORDS.findall(path.parent.name.lower())
    return next((word for word in _WORDS.findall(path.stem.lower()) if word not in folder), NO_GROUP)


def kind_of(path: Path) -> str:
    """Returns what a negative shows: its folder and its group, "shop/pear" for shop/pear_1.jpg."""
    return f"{label_of(path.parent.name)}/{group_of(path)}"


def groups_of(kinds: Sequence[str]) -> list[str]:
    """Returns the group in which each negative is evaluated.

    That is the second part of its kind. A folder with more than MAX_GROUPS_OF_A_FOLDER of them is one group.
    """
    found: dict[str, set[str]] = {}
    for kind in kinds:
        folder, _, group = kind.rpartition("/")
        found.setdefault(folder, set()).add(group)
    parts = (kind.rpartition("/") for kind in kinds)
    return [group if len(found[folder]) <= MAX_GROUPS_OF_A_FOLDER else folder or NO_GROUP for folder, _, group in parts]


def parts_of(collection: str, paths: Sequence[Path]) -> list[str]:
    """Returns the part of a collection that each of its pictures is evaluated in.

    Groups of MIN_PICTURES_OF_A_PART pictures or more are parts of their own, "shop/shelf"; the other pictures are the
    part "shop".
    """
    groups = [group_of(path) for path in paths]
    counts = Counter(groups)
    named = {group for group, count in counts.items() if count >= MIN_PICTURES_OF_A_PART and group != NO_GROUP}
    large = named if len(counts) > 1 else set()
    return [f"{collection}/{group}" if group in large else collection for group in groups]


def folder_names(folders: Sequence[Path]) -> str:
    """Returns the last two parts of each path, for the parameters of a run."""
    return ", ".join("/".join(folder.resolve().parts[-2:]) for folder in folders)


def read_own_names(root: Path) -> dict[str, dict[str, str]]:
    """Reads the optional classes.json of a data folder: {"label": {"en": "...", "fr": "..."}, ...}.

    Raises:
        DatasetInvalid: DATA_NAMES_INVALID, the file is malformed.
    """
    path = root / NAMES_FILE
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            label_of(label): {str(tag): str(name) for tag, name in names.items()} for label, names in content.items()
        }
    except (ValueError, AttributeError) as error:
        raise DatasetInvalid(
            "DATA_NAMES_INVALID",
            f'{path} can\'t be read. It should look like {{"apple": {{"en": "apple", "fr": "pomme"}}}}: {error}',
        ) from error
