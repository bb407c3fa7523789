"""Layout of a data folder: which subfolder holds which class and part. Reads names only and opens no picture.

Two layouts are supported, also one folder further down (as in the Kaggle archive, `MY_data/`):
- `train/<class>/` and `test/<class>/`;
- `<class>/` alone, as the single part "all".
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from trainer.data.names import label_of
from trainer.errors import DatasetInvalid

NEGATIVE_LABEL = ""
"""Label of a negative: a picture of none of the classes."""

Folders = Mapping[str, Sequence[Path]]
"""Class folders by label. Several spellings of a label are one class."""


def find_parts(root: Path) -> tuple[Path, Mapping[str, Folders]]:
    """Finds the folder that holds the parts, and the class folders of the parts "train" and "test", or of "all".

    Raises:
        DatasetInvalid: there is no such folder, there are fewer than two classes, a part is missing, or the parts have
            different classes.
    """
    inner = _folders(root) if root.is_dir() else []
    home = next((folder for folder in [root, *inner] if (folder / "train").is_dir()), root)
    if not (home / "train").is_dir():
        parts = {"all": _class_folders(home)}
    elif not (home / "test").is_dir():
        raise DatasetInvalid(
            "DATA_PART_MISSING",
            f"{home} has a train folder but no test folder. Add one, or name {home / 'train'}: "
            "its pictures are then split into 80 % for training and 20 % for testing.",
        )
    else:
        parts = {part: _class_folders(home / part) for part in ("train", "test")}
        _refuse_other_classes(parts)
    labels = labels_of(parts)
    if len(labels) == 1:
        raise DatasetInvalid("DATA_ONE_CLASS", f"{home} holds one class, {labels[0]}. Add a second one.")
    return home, parts


def extra_parts(extra: Sequence[Path], labels: Collection[str]) -> Mapping[str, Folders]:
    """Returns each folder of class folders as a part.

    Raises:
        DatasetInvalid: there is no such folder, it has no classes, or it has classes that are not among `labels`.
    """
    folders = {f"extra {number}": _class_folders(folder) for number, folder in enumerate(extra)}
    for folder, found in zip(extra, folders.values(), strict=True):
        refuse_unknown(found, labels, folder)
    return folders


def negative_parts(folders: Sequence[Path]) -> Mapping[str, Folders]:
    """Returns each folder of negatives, with all its subfolders, as a part.

    Raises:
        DatasetInvalid: no such folder.
    """
    for folder in folders:
        if not folder.is_dir():
            raise DatasetInvalid("DATA_NOT_FOUND", f"There is no folder {folder}. Name a folder of pictures.")
    return {f"negatives {number}": {NEGATIVE_LABEL: [folder]} for number, folder in enumerate(folders)}


def labels_of(parts: Mapping[str, Folders]) -> Sequence[str]:
    """Returns the classes of all parts, sorted."""
    return sorted({label for folders in parts.values() for label in folders})


def files_of(parts: Mapping[str, Folders]) -> Sequence[tuple[str, str, Path]]:
    """Returns (part, label, path) of all files in and below the class folders, without hidden files."""
    return [
        (part, label, path)
        for part, folders in parts.items()
        for label, homes in folders.items()
        for home in homes
        for path in sorted(home.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    ]


def refuse_unknown(found: Iterable[str], labels: Collection[str], folder: Path) -> None:
    """Raises DatasetInvalid if a class that was found in a folder is not among `labels`."""
    if unknown := sorted(set(found) - set(labels)):
        raise DatasetInvalid(
            "DATA_CLASSES_DIFFER",
            f"{folder} has unknown classes: {', '.join(unknown)}. Known are {', '.join(sorted(labels))}.",
        )


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _class_folders(folder: Path) -> Folders:
    if not folder.is_dir():
        raise DatasetInvalid("DATA_NOT_FOUND", f"There is no folder {folder}. Name a folder that holds class folders.")
    folders: dict[str, list[Path]] = {}
    for path in _folders(folder):
        folders.setdefault(label_of(path.name), []).append(path)
    if not folders:
        raise DatasetInvalid(
            "DATA_NO_CLASSES", f"{folder} holds no class folders. Put each class's pictures in its own."
        )
    return folders


def _refuse_other_classes(parts: Mapping[str, Folders]) -> None:
    train, test = set(parts["train"]), set(parts["test"])
    if train == test:
        return
    only = [
        f"{', '.join(sorted(extra))} only in {part}"
        for part, extra in (("train", train - test), ("test", test - train))
        if extra
    ]
    raise DatasetInvalid(
        "DATA_CLASSES_DIFFER", f"train and test must have the same classes, but there is {' and '.join(only)}."
    )
