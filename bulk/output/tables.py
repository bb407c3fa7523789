"""Writes all rows of a run into one file for people and other programs: CSV or JSON Lines."""

import csv
import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa

from bulk.output.files import write_whole
from bulk.photos.rows import SCHEMA


class Format(StrEnum):
    """Forms of results. The parts in Parquet are always there."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


def write_table(parts: Iterable[pa.Table], form: Format, folder: Path, top_k: int) -> Path:
    """Writes results.csv or results.jsonl into a folder and returns its path; for Parquet, that of the parts.

    Args:
        parts: the rows, in order.
        form: of the file.
        folder: of the run.
        top_k: predictions that a row has at most; columns of a CSV file are made for them.
    """
    if form is Format.PARQUET:
        return folder / "parts"
    path = folder / f"results.{form.value}"
    write = (lambda new: _write_csv(parts, new, top_k)) if form is Format.CSV else lambda new: _write_lines(parts, new)
    write_whole(path, write)
    return path


def _write_csv(parts: Iterable[pa.Table], path: Path, top_k: int) -> None:
    plain = [name for name in SCHEMA.names if name not in ("labels", "probabilities")]
    ranks = [f"{column}_{rank}" for rank in range(1, top_k + 1) for column in ("label", "probability")]
    # Names of files may hold bytes that are no text; they are escapes in the rows already.
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*plain, *ranks])
        for row in _rows(parts):
            ranked = [value for pair in zip(row["labels"], row["probabilities"], strict=True) for value in pair]
            writer.writerow([*(row[name] for name in plain), *ranked, *[None] * (len(ranks) - len(ranked))])


def _write_lines(parts: Iterable[pa.Table], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in _rows(parts):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _rows(parts: Iterable[pa.Table]) -> Iterator[dict[str, Any]]:
    for part in parts:
        yield from part.to_pylist()
