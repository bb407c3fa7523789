"""Layout of a data folder: which subfolder holds which class and part. Reads names only and opens no picture.

Two layouts are supported, also some folders further down (as in the Kaggle archive, `MY_data/`):
- `train/<class>/` and `test/<class>/`, and `validation/<class>/` where there is one, by their usual names;
- `<class>/` alone, as the single part "all".
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from engine.dataset import NEGATIVE_LABEL
from engine.labels import is_usable, label_of
from engine.layout import PART_WORDS, part_of
from trainer.data.files import files_below, holds_pictures, subfolders
from trainer.errors import DatasetInvalid

Folders = Mapping[str, Sequence[Path]]
"""Class folders by label. Several spellings of a label are one class."""

MAX_WRAPPERS = 3
"""Folders that are looked into one after the other where each holds nothing but the next, as unpacked archives do."""


class Layout(NamedTuple):
    """Where the pictures of a data folder are."""

    home: Path
    """The folder that holds the parts or, where there are none, the classes."""

    parts: Mapping[str, Folders]
    """Class folders of the parts "train", "test" and, where there is one, "validation"; or those of "all"."""

    notes: Sequence[str] = ()
    """What people should know about how the folder was understood."""


def find_parts(root: Path) -> Layout:
    """Finds the folder that holds the parts, and the class folders of the parts "train" and "test", or of "all".

    Raises:
        DatasetInvalid: there is no such folder, there are fewer than two classes, a part is missing, or the parts have
            different classes.
    """
    home = _home(root) if root.is_dir() else root
    notes = [f"The classes are read from {home}."] if home != root else []
    named = _named_parts(home) if home.is_dir() else {}
    if not named:
        parts: Mapping[str, Folders] = {"all": _class_folders([home])}
        _refuse_parts_as_classes(home, parts["all"])
    else:
        if "test" not in named and "validation" in named:
            named["test"] = named.pop("validation")
            notes.append(f"There is no test folder; {named['test'][0]} is used for testing.")
        _refuse_missing_part(home, named)
        parts = {part: _class_folders(folders) for part, folders in named.items()}
        _refuse_other_classes(parts)
    labels = labels_of(parts)
    if len(labels) == 1:
        raise DatasetInvalid("DATA_ONE_CLASS", f"{home} holds one class, {labels[0]}. Add a second one.")
    return Layout(home, parts, notes)


def extra_parts(extra: Sequence[Path], labels: Collection[str]) -> Mapping[str, Folders]:
    """Returns each folder of class folders as a part.

    Raises:
        DatasetInvalid: there is no such folder, it has no classes, or it has classes that are not among `labels`.
    """
    folders = {f"extra {number}": _class_folders([folder]) for number, folder in enumerate(extra)}
    for folder, found in zip(extra, folders.values(), strict=True):
        refuse_unknown(found, labels, folder)
    return folders


def negative_parts(folders: Sequence[Path], name: str = "negatives") -> Mapping[str, Folders]:
    """Returns each folder of negatives, with all its subfolders, as a part; `name` begins the names of the parts.

    Raises:
        DatasetInvalid: no such folder.
    """
    for folder in folders:
        if not folder.is_dir():
            raise DatasetInvalid("DATA_NOT_FOUND", f"There is no folder {folder}. Name a folder of pictures.")
    return {f"{name} {number}": {NEGATIVE_LABEL: [folder]} for number, folder in enumerate(folders)}


def labels_of(parts: Mapping[str, Folders]) -> Sequence[str]:
    """Returns the classes of all parts, sorted."""
    return sorted({label for folders in parts.values() for label in folders})


def files_of(parts: Mapping[str, Folders]) -> Sequence[tuple[str, str, Path]]:
    """Returns (part, label, path) of all files in and below the class folders, see trainer.data.files.files_below."""
    return [
        (part, label, path)
        for part, folders in parts.items()
        for label, homes in folders.items()
        for home in homes
        for path in files_below(home)
    ]


def refuse_unknown(found: Iterable[str], labels: Collection[str], folder: Path) -> None:
    """Raises DatasetInvalid if a class that was found in a folder is not among `labels`."""
    if unknown := sorted(set(found) - set(labels)):
        raise DatasetInvalid(
            "DATA_CLASSES_DIFFER",
            f"{folder} has unknown classes: {', '.join(unknown)}. Known are {', '.join(sorted(labels))}.",
        )


def _home(root: Path) -> Path:
    """The folder with the parts: the given one, or one that it holds; or else the innermost that wraps the classes."""
    for _ in range(MAX_WRAPPERS):
        inner = subfolders(root)
        if _named_parts(root):
            return root
        if found := [folder for folder in inner if "train" in _named_parts(folder)]:
            return found[0]
        if not _is_wrapper(root):
            return root
        root = inner[0]
    return root


def _is_wrapper(folder: Path) -> bool:
    """Whether a folder holds nothing but one other folder, which holds folders and no pictures of its own."""
    inner = subfolders(folder)
    return (
        len(inner) == 1 and not holds_pictures(folder) and bool(subfolders(inner[0])) and not holds_pictures(inner[0])
    )


def _named_parts(folder: Path) -> dict[str, list[Path]]:
    """The folders that are named like parts, by part; none unless one of them holds folders, as a part does."""
    parts: dict[str, list[Path]] = {}
    for path in subfolders(folder):
        if part := part_of(path.name):
            parts.setdefault(part, []).append(path)
    return parts if any(subfolders(path) for paths in parts.values() for path in paths) else {}


def _class_folders(homes: Iterable[Path]) -> Folders:
    """The class folders in some folders, or in the single folder that each of them wraps."""
    folders: dict[str, list[Path]] = {}
    for home in homes:
        if not home.is_dir():
            raise DatasetInvalid(
                "DATA_NOT_FOUND", f"There is no folder {home}. Name a folder that holds class folders."
            )
        for path in subfolders(subfolders(home)[0] if _is_wrapper(home) else home):
            folders.setdefault(_usable_label(path), []).append(path)
        if not folders:
            raise DatasetInvalid(
                "DATA_NO_CLASSES", f"{home} holds no class folders. Put each class's pictures in its own."
            )
    return folders


def _usable_label(folder: Path) -> str:
    label = label_of(folder.name)
    if not is_usable(label):
        raise DatasetInvalid(
            "DATA_NAME_INVALID",
            f"The class folder {folder.name!a} in {folder.parent} has a name that is empty or no valid text "
            "(UTF-8). Rename it.",
        )
    return label


def _refuse_parts_as_classes(home: Path, classes: Iterable[str]) -> None:
    """Refuses folders such as seg_train and seg_test, whose names say that they are parts and no classes."""
    found = {label: part for label in classes for word, part in PART_WORDS.items() if word in label.split("_")}
    if len(set(found.values())) > 1:
        raise DatasetInvalid(
            "DATA_PARTS_UNCLEAR",
            f"{' and '.join(sorted(found))} in {home} look like parts of a data set and not like classes. Name parts "
            "train and test, each with a folder for each class; name the classes otherwise.",
        )


def _refuse_missing_part(home: Path, named: Mapping[str, Sequence[Path]]) -> None:
    if "train" not in named:
        raise DatasetInvalid(
            "DATA_PART_MISSING", f"{home} has no train folder beside {named['test'][0].name}. Add one."
        )
    if "test" not in named:
        raise DatasetInvalid(
            "DATA_PART_MISSING",
            f"{home} has a train folder but no test folder. Add one, or name {named['train'][0]}: "
            "its pictures are then split into 80 % for training and 20 % for testing.",
        )


def _refuse_other_classes(parts: Mapping[str, Folders]) -> None:
    train = set(parts["train"])
    for name in set(parts) - {"train"}:
        other = set(parts[name])
        if train == other:
            continue
        only = [
            f"{', '.join(sorted(extra))} only in {part}"
            for part, extra in (("train", train - other), (name, other - train))
            if extra
        ]
        raise DatasetInvalid(
            "DATA_CLASSES_DIFFER", f"train and {name} must have the same classes, but there is {' and '.join(only)}."
        )
