"""Figures of each stage of a run."""

from dataclasses import replace

from registry.runs import RunRecord
from trainer.release.stages import StageFigures, stages_of

RECORD = RunRecord(
    parameters={
        "head.epochs": "2",
        "fine_tune.phases.1.size": "160",
        "fine_tune.phases.1.epochs": "1",
        "fine_tune.phases.2.size": "224",
        "fine_tune.phases.2.epochs": "2",
        "seed": "0",
    },
    started=1000,
    photos=50,
    curves={
        "val_accuracy": [(1030, 0.7), (1060, 0.8), (1180, 0.75), (1300, 0.85), (1480, 0.9)],
        "val_loss": [(1030, 1.0), (1060, 0.9), (1180, 0.95), (1300, 0.6), (1480, 0.5)],
    },
)


def test_each_stage_has_the_figures_of_its_last_epoch() -> None:
    assert stages_of(RECORD, 192) == [
        StageFigures("dense layers on the frozen backbone", 192, 2, 100, 1.0, 0.8, 0.9),
        StageFigures("all layers", 160, 1, 50, 2.0, 0.75, 0.95),
        StageFigures("all layers", 224, 2, 100, 5.0, 0.9, 0.5),
    ]


def test_a_run_without_validation_photos_has_no_stage_figures() -> None:
    assert stages_of(replace(RECORD, curves={}), 192) == []


def test_curves_of_unexpected_length_give_no_stage_figures() -> None:
    shorter = {name: curve[:-1] for name, curve in RECORD.curves.items()}
    assert stages_of(replace(RECORD, curves=shorter), 192) == []


def test_a_run_that_trained_nothing_has_no_stages() -> None:
    assert stages_of(replace(RECORD, parameters={"seed": "0"}), 192) == []
