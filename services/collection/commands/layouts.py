"""Finds the photos in a source, and what they show: folders of classes, Hugging Face's imagefolder, Label Studio."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from dataset_client.fetching import NEGATIVES
from engine.dataset import NEGATIVE_LABEL, TEST, TRAIN
from engine.labels import can_name_a_folder, label_of
from engine.layout import part_of
from services.collection.commands.errors import ImportInvalid
from services.collection.commands.sources import Source, checked_path

METADATA, TASKS, NONE_CHOICE = "metadata.jsonl", "tasks.json", "(none)"
"""Index of Hugging Face's imagefolder, index of Label Studio, and the choice there for none of the classes."""

MAX_INDEX_BYTES = 512 * 2**20
MAX_LABEL_CHARACTERS = 100
MAX_WRAPPERS = 3
"""Folders that are looked into one after the other where each holds nothing but the next, as unpacked archives do."""

_SIDES = {"train": TRAIN, "validation": TRAIN, "test": TEST, None: ""}


class Item(NamedTuple):
    """A photo to import."""

    name: str
    """Its path in the source."""

    label: str
    """Its class; empty for none of the classes."""

    side: str
    """TRAIN or TEST; empty where its content shall decide."""


class Found(NamedTuple):
    """What a source holds."""

    items: Sequence[Item]
    left_out: int
    """Files outside of class folders, or tasks without a label."""


def find_items(source: Source, is_none: bool = False) -> Found:
    """Returns the photos of a source, sorted by path.

    Args:
        source: in whichever of the layouts.
        is_none: whether all its pictures show none of the classes.

    Raises:
        ImportInvalid: an index or a name in it is wrong, or there is nothing to import.
    """
    indexes = sorted(name for name in source.names if PurePosixPath(name).name in (METADATA, TASKS))
    if is_none:
        found = Found([Item(name, NEGATIVE_LABEL, _side_in(name)) for name in source.names], 0)
    elif indexes:
        found = _joined([_indexed(source, index) for index in indexes])
    else:
        found = _in_folders(source)
    if not found.items:
        raise ImportInvalid(
            "IMPORT_EMPTY",
            "There is nothing to import. Name a folder or a zip archive that holds a folder of photos for each class.",
        )
    return Found(sorted(found.items), found.left_out)


def _joined(found: Sequence[Found]) -> Found:
    return Found([item for each in found for item in each.items], sum(each.left_out for each in found))


def _in_folders(source: Source) -> Found:
    home = _home(source)
    paths = [(name, PurePosixPath(name).parts[len(home) :]) for name in source.names]
    has_parts = any(len(parts) > 2 and part_of(parts[0]) for _, parts in paths)
    items = []
    for name, parts in paths:
        if has_parts and parts[0] == NEGATIVES:
            items.append(Item(name, NEGATIVE_LABEL, _SIDES[part_of(parts[1])] if len(parts) > 2 else ""))
        elif has_parts and len(parts) > 2 and (part := part_of(parts[0])):
            items.append(Item(name, _class_of(parts[1], name), _SIDES[part]))
        elif not has_parts and len(parts) > 1:
            items.append(Item(name, _class_of(parts[0], name), ""))
    return Found(items, len(paths) - len(items))


def _home(source: Source) -> Sequence[str]:
    """The folders that hold nothing but the next one, down to the parts or the classes."""
    folders = {PurePosixPath(name).parts[:-1] for name in source.names}
    home: list[str] = []
    while len(home) < MAX_WRAPPERS:
        next_names = {parts[len(home)] if len(parts) > len(home) else "" for parts in folders}
        (only, *others) = next_names or {""}
        is_leaf = all(len(parts) <= len(home) + 1 for parts in folders)
        if others or not only or is_leaf or part_of(only):
            break
        home.append(only)
    return home


def _side_in(name: str) -> str:
    return next((_SIDES[part] for folder in PurePosixPath(name).parts[:-1] if (part := part_of(folder))), "")


def _indexed(source: Source, index: str) -> Found:
    folder = str(PurePosixPath(index).parent)
    content = source.read(index, MAX_INDEX_BYTES + 1)
    if len(content) > MAX_INDEX_BYTES:
        raise ImportInvalid("IMPORT_INDEX_INVALID", f"{index} is larger than {MAX_INDEX_BYTES:,} bytes.")
    try:
        text = content.decode("utf-8")
        if PurePosixPath(index).name == METADATA:
            lines = [(number, json.loads(line)) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
            found: list[Item | None] = [_line(line, folder, f"line {number} of {index}") for number, line in lines]
        else:
            tasks = enumerate(json.loads(text), 1)
            found = [_task(task, folder, f"task {number} of {index}") for number, task in tasks]
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        raise ImportInvalid("IMPORT_INDEX_INVALID", f"{index} can't be understood: {error!r}.") from error
    items = [item for item in found if item]
    for item in items:
        if item.name not in source.names:
            raise ImportInvalid("IMPORT_FILE_MISSING", f"{index} names {item.name}, which is not there.")
    return Found(items, len(found) - len(items))


def _line(line: Mapping[str, Any], folder: str, where: str) -> Item:
    if "label" not in line:
        raise ImportInvalid("IMPORT_LABEL_INVALID", f"There is no label in {where}.")
    name = checked_path(str(line["file_name"]), folder)
    return Item(name, NEGATIVE_LABEL if line["label"] is None else _class_of(line["label"], where), _side_in(name))


def _task(task: Mapping[str, Any], folder: str, where: str) -> Item | None:
    data = task["data"]
    name = checked_path(_local_path(str(data["image"])), folder)
    choices = list(_choices(task))
    if not choices:
        return None
    if len(set(choices)) > 1:
        text = f"{where} has several labels: {', '.join(sorted(set(map(str, choices))))}. A photo has one."
        raise ImportInvalid("IMPORT_LABEL_INVALID", f"{text[0].upper()}{text[1:]}")
    label = NEGATIVE_LABEL if choices[0] == NONE_CHOICE else _class_of(choices[0], where)
    return Item(name, label, _SIDES[part_of(str(data.get("side") or "-"))])


def _choices(task: Mapping[str, Any]) -> Iterator[Any]:
    """The choices of all annotations that were not taken back; predictions are no labels."""
    for annotation in task.get("annotations") or ():
        for result in annotation.get("result") or () if not annotation.get("was_cancelled") else ():
            yield from result["value"].get("choices") or ()


def _local_path(address: str) -> str:
    """The path in the address of a picture: a path, or Label Studio's /data/local-files/?d=PATH."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return ""  # which is no path
    found = parse_qs(parts.query).get("d")
    return found[0] if found else unquote(parts.path)


def _class_of(name: Any, where: str) -> str:
    label = label_of(name) if isinstance(name, str) else ""
    if not can_name_a_folder(label) or len(label) > MAX_LABEL_CHARACTERS or not label.isprintable():
        raise ImportInvalid(
            "IMPORT_LABEL_INVALID",
            f"{name!a}, of {where}, is no class: it must be a text of 1 to {MAX_LABEL_CHARACTERS} characters that may "
            "be the name of a folder. Nothing was imported.",
        )
    return label
