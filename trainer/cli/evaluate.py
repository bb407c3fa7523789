"""`trainer evaluate`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from verger.v1 import model_pb2

from trainer.cli.console import (
    NOTES,
    RESULTS,
    ConsoleProgress,
    evaluation_table,
    warn_of_contradictions,
    warn_of_overlap,
    warn_of_unreadable,
)
from trainer.cli.options import Data, Elsewhere, Model, load_settings
from trainer.cli.parts import parts_table
from trainer.data.loading import load_elsewhere, load_negatives, load_test_part

SERVING = model_pb2.ModelFile.ROLE_SERVING


def evaluate(
    data: Data,
    model: Model = "champion",
    negatives: Annotated[
        list[Path], typer.Option(help="Pictures of none of the classes, which should be refused. May be repeated.")
    ] = [],  # noqa: B006  # Typer copies the list
    elsewhere: Elsewhere = [],  # noqa: B006
    groups: Annotated[
        bool, typer.Option("--groups", help="Print figures for each part of the pictures instead of each class.")
    ] = False,
    json_file: Annotated[
        typer.FileTextWrite | None,
        typer.Option(
            "--json",
            help="Write all figures to this file; - is the standard output, which gets nothing else then.",
            lazy=False,  # a file that can't be written must show before the work
            atomic=True,
        ),
    ] = None,
) -> None:
    """Evaluates a version on the test pictures of a folder, with the graph that is served.

    Test pictures that show the same photo as a training picture of the folder are left out. File names divide the
    pictures into parts: apple_shelf_1.jpg is in the part "shelf".
    """
    from registry.reference import opened
    from trainer.data.collected import folders_of
    from trainer.evaluation.evaluate import EvaluationData
    from trainer.evaluation.evaluate import evaluate as run

    settings, progress = load_settings(), ConsoleProgress()
    workers = settings.trainer_workers
    folders = folders_of(data, settings, progress)
    with opened(model, [SERVING], settings) as (_, version):
        contract, digest = version.contract, version.digest
        labels, spec = [info.label for info in contract.classes], contract.preprocessing
        with progress.counting("Reading pictures") as done:
            part = load_test_part(folders.root, labels, spec, workers, done)
            outside, unreadable_negatives = load_negatives([*folders.held_out, *negatives], spec, workers, done)
            other, _, unreadable_elsewhere = load_elsewhere(elsewhere, labels, (), spec, workers, done)
        unreadable = [*part.unreadable, *unreadable_negatives, *unreadable_elsewhere]
        for note in part.notes:
            progress.note(note)
        warn_of_overlap(part.overlap)
        warn_of_contradictions(part.contradictions)
        warn_of_unreadable(unreadable)
        with progress.counting("Testing") as done:
            tested = EvaluationData(folders.root, part.pictures, outside, elsewhere=other)
            evaluation = run(version.file(SERVING), contract, tested, workers, done)
    table = (parts_table if groups else evaluation_table)(evaluation, f"Model {digest[:12]} on {data}")
    (NOTES if json_file and json_file.name == "<stdout>" else RESULTS).print(table)
    if json_file:
        left_out = {
            "unreadable": [{"file": str(file.path), "reason": file.reason} for file in unreadable],
            "overlap": [{"test": str(pair.test.path), "train": str(pair.train.path)} for pair in part.overlap],
            "contradictions": [[str(picture.path) for picture in found.copies] for found in part.contradictions],
        }
        content = {"model": model, "digest": digest, "data": data, **left_out, **evaluation.to_dict()}
        json_file.write(json.dumps(content, indent=2) + "\n")
