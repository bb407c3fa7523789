"""Names of classes: stable labels for programs, display names for people."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from verger.v1 import model_pb2

from trainer.errors import DatasetInvalid

NAMES_FILE = "classes.json"

# Misspellings in the Kaggle set "Fruit classification (10 Class)".
_SPELLINGS = {"pinenapple": "pineapple", "strawberries": "strawberry", "stawberries": "strawberry"}

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


def label_of(folder_name: str) -> str:
    """Returns the label for a folder's name: lower case, words joined by underscores, known misspellings corrected.

    Accented letters are composed (Unicode's form NFC), since macOS stores the same name in another form than others.
    """
    label = unicodedata.normalize("NFC", re.sub(r"[\s_-]+", "_", folder_name.strip().lower()))
    return _SPELLINGS.get(label, label)


def is_usable(label: str) -> bool:
    """Returns whether a label can be shown and stored: it isn't empty, and each character is text (valid UTF-8)."""
    return bool(label) and not any(unicodedata.category(character) in ("Cc", "Cs") for character in label)


def class_info(label: str, own_names: Mapping[str, Mapping[str, str]]) -> model_pb2.ClassInfo:
    """Returns a class with its names: those of the folder's classes.json, else the built-in ones, else its label."""
    names = own_names.get(label) or _BUILT_IN.get(label) or {"en": label.replace("_", " ")}
    return model_pb2.ClassInfo(label=label, display_names=names)


def group_of(path: Path) -> str:
    """Returns the group of a negative: the letters that its file name begins with, "animal" for animal_1.jpg."""
    return re.match(r"[^\W\d_]*", path.stem.lower())[0] or "others"  # type: ignore[index]  # it always matches


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
