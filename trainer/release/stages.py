"""What each stage of a run brought, read from what MLflow keeps of the run. Pure, light."""

from collections.abc import Mapping
from dataclasses import dataclass

from registry.runs import RunRecord


@dataclass(frozen=True)
class StageFigures:
    """One stage, with the figures of its last epoch."""

    name: str
    pixels: int
    """Width and height of the views."""
    epochs: int
    photos: int
    """Views of training photos in all epochs."""
    minutes: float
    val_accuracy: float
    val_loss: float


def stages_of(record: RunRecord, pixels: int) -> list[StageFigures]:
    """The stages of a finished run in order; none when it had no validation photos.

    Args:
        pixels: width and height of what the dense layers were trained on.
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
    """Name, pixels and epochs of each stage of trainer.training.recipe.Recipe, as it was logged."""
    if "head.epochs" not in parameters:
        return []
    stages = [("dense layers on the frozen backbone", pixels, int(parameters["head.epochs"]))]
    while f"fine_tune.{len(stages)}.epochs" in parameters:
        home = f"fine_tune.{len(stages)}"
        stages.append((parameters[f"{home}.name"], int(parameters[f"{home}.size"]), int(parameters[f"{home}.epochs"])))
    return stages
