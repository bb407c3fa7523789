"""Labels of classes: what the name of a folder, or what a person typed, means to a model. Pure."""

import re
import unicodedata

# Misspellings in the Kaggle set "Fruit classification (10 Class)".
_SPELLINGS = {"pinenapple": "pineapple", "strawberries": "strawberry", "stawberries": "strawberry"}


def label_of(name: str) -> str:
    """Returns the label for a name: lower case, words joined by underscores, known misspellings corrected.

    Accented letters are composed (Unicode's form NFC), since macOS stores the same name in another form than others.
    """
    label = unicodedata.normalize("NFC", re.sub(r"[\s_-]+", "_", name.strip().lower()))
    return _SPELLINGS.get(label, label)


def is_usable(label: str) -> bool:
    """Returns whether a label can be shown and stored: it isn't empty, and each character is text (valid UTF-8)."""
    return bool(label) and not any(unicodedata.category(character) in ("Cc", "Cs") for character in label)


def can_name_a_folder(label: str) -> bool:
    """Returns whether a label is usable and may be the name of a folder of pictures on every system."""
    return is_usable(label) and not label.startswith(".") and not set(label) & set('/\\:*?"<>|')
