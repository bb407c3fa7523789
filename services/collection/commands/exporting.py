"""Writes a dataset version as files: folders of classes, Hugging Face's imagefolder, or Label Studio's tasks."""

import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from verger.v1 import datasets_pb2

from dataset_client.client import DatasetClient
from dataset_client.fetching import SIDES, Fetched, OnProgress, fetch_photos, place_of, write_whole
from engine.dataset import NEGATIVE_LABEL
from services.collection.commands.errors import ExportFailed, ExportFolderTaken
from services.collection.commands.layouts import METADATA, NONE_CHOICE, TASKS

MARK = ".verger-export.json"
"""Says what the folder is an export of. A broken-off export goes on if it is the same one."""


class Format(StrEnum):
    """How a version is written."""

    FOLDERS = "folders"
    HUGGINGFACE = "huggingface"
    LABELSTUDIO = "labelstudio"


def export(client: DatasetClient, version: Fetched, folder: Path, form: Format, progress: OnProgress) -> Sequence[Path]:
    """Writes a version. Returns the files of photos that were deleted meanwhile.

    Raises:
        ExportFolderTaken: the folder holds something else.
        ExportFailed: a file can't be written.
        CollectionRefused, CollectionAway, DatasetCorrupt: photos do not come.
    """
    mark = {"dataset": str(version.reference), "digest": version.dataset.digest, "format": form.value}
    place = _PLACES[form]
    places = {folder / place(photo): photo for photo in version.photos}
    try:
        _begin(folder, mark)
        gone = fetch_photos(client, places, progress)
        kept = [photo for path, photo in places.items() if path not in set(gone)]
        for name, content in _INDEXES[form](kept).items():
            write_whole(folder / name, content.encode())
    except OSError as error:
        why = f"{error.filename or folder} can't be written: {error.strerror}."
        raise ExportFailed(f"{why} The same command goes on where this one stopped.") from error
    return gone


def _begin(folder: Path, mark: Mapping[str, str]) -> None:
    """Makes the folder, or checks that it is the same export that broke off."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / MARK
    content = json.dumps(mark)
    known = file.read_text(encoding="utf-8") if file.is_file() else ""
    if known != content and any(folder.iterdir()):
        raise ExportFolderTaken(f"{folder} holds something else than this export. Name a new or an empty folder.")
    write_whole(file, content.encode())


def _flat(photo: datasets_pb2.DatasetPhoto) -> PurePosixPath:
    return PurePosixPath(SIDES[photo.side]) / place_of(photo).name


def _among_photos(photo: datasets_pb2.DatasetPhoto) -> PurePosixPath:
    return PurePosixPath("photos") / place_of(photo).name


def _no_index(_: Sequence[datasets_pb2.DatasetPhoto]) -> Mapping[str, str]:
    return {}


def _metadata(photos: Sequence[datasets_pb2.DatasetPhoto]) -> Mapping[str, str]:
    """An index for each side; the label is null for none of the classes."""
    lines: dict[str, list[str]] = {}
    for photo in photos:
        line = {"file_name": _flat(photo).name, "label": None if photo.label == NEGATIVE_LABEL else photo.label}
        lines.setdefault(SIDES[photo.side], []).append(json.dumps(line, ensure_ascii=False))
    return {f"{side}/{METADATA}": "\n".join([*found, ""]) for side, found in lines.items()}


def _tasks(photos: Sequence[datasets_pb2.DatasetPhoto]) -> Mapping[str, str]:
    return {TASKS: json.dumps([_task(photo) for photo in photos], ensure_ascii=False, indent=1)}


def _task(photo: datasets_pb2.DatasetPhoto) -> Mapping[str, Any]:
    address = f"/data/local-files/?d={quote(str(_among_photos(photo)))}"
    label = NONE_CHOICE if photo.label == NEGATIVE_LABEL else photo.label
    known = [each.classification for each in photo.photo.answers if each.HasField("classification")]
    predictions = [
        {
            "model_version": f"{answer.model.name}/{answer.model.version}",
            "score": answer.predictions[0].probability,
            "result": [_choice(answer.predictions[0].label)],
        }
        for answer in known[-1:]
    ]
    return {
        "data": {"image": address, "side": SIDES[photo.side]},
        "annotations": [{"result": [_choice(label)]}],
        "predictions": predictions,
    }


def _choice(label: str) -> Mapping[str, Any]:
    return {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": [label]}}


_PLACES: Mapping[Format, Callable[[datasets_pb2.DatasetPhoto], PurePosixPath]] = {
    Format.FOLDERS: place_of,
    Format.HUGGINGFACE: _flat,
    Format.LABELSTUDIO: _among_photos,
}
_INDEXES: Mapping[Format, Callable[[Sequence[datasets_pb2.DatasetPhoto]], Mapping[str, str]]] = {
    Format.FOLDERS: _no_index,
    Format.HUGGINGFACE: _metadata,
    Format.LABELSTUDIO: _tasks,
}
