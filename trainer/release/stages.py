"""Figures of each training stage, from the record of a run in MLflow. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from registry.runs import RunRecord


@dataclass(frozen=True)
class StageFigures:
    """One stage, with the validation metrics of its last epoch."""

    name: str
    pixels: int
    """Width and height of the training views."""
    epochs: int
    photos: int
    """Number of views of training photos, over all epochs."""
    minutes: float
    val_accuracy: float
    val_loss: float


def stages_of(record: RunRecord, pixels: int) -> list[StageFigures]:
    """Returns the stages of a finished run, in order; none if it had no validation photos.

    Args:
        pixels: width and height of the views that the dense layers were trained on.
    """
    curves = {name: record.curves.get(name, ()) for name in ("val_accuracy", "val_loss")}
    planned = _planned(record.parameters, pixels)
    if not planned or {len(curve) for curve in curves.values()} != {sum(epochs for _, _, epochs in planned)}:
        return []
    found, done, before = [], 0, record.started
    for name, size, epochs in planned:
        done += epochs
        ended, accuracy = curves["val_accuracy"][done - 1]
        _, loss = curves["val_loss"][done - 1]
        found.append(StageFigures(name, size, epochs, epochs * record.photos, (ended - before) / 60, accuracy, loss))
        before = ended
    return found


def _planned(parameters: Mapping[str, str], pixels: int) -> list[tuple[str, int, int]]:
    """Returns name, pixels and epochs of each stage of the logged trainer.training.recipe.Recipe."""
    if "head.epochs" not in parameters:
        return []
    stages = [("dense layers on the frozen backbone", pixels, int(parameters["head.epochs"]))]
    while f"fine_tune.phases.{len(stages)}.epochs" in parameters:
        home = f"fine_tune.phases.{len(stages)}"
        stages.append(("all layers", int(parameters[f"{home}.size"]), int(parameters[f"{home}.epochs"])))
    return stages
