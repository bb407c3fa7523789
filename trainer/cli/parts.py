"""Table of the parts of an evaluation for the terminal."""

from rich.table import Table

from trainer.evaluation.figures import Evaluation, PartFigures
from trainer.evaluation.intervals import with_interval


def parts_table(evaluation: Evaluation, title: str) -> Table:
    """Returns a table of the parts of the pictures and of the groups of negatives, with 95 % intervals."""
    table = Table("pictures", "count", "right", "calibration error", "unsure", "out of scope", title=title)
    table.title_justify = "left"
    table.columns[0].no_wrap = True  # a cut name says nothing; on narrow terminals the figures wrap
    for column in table.columns[1:]:
        column.justify = "right"
    for heading, is_elsewhere in (("where it was trained", False), ("elsewhere", True)):
        parts = [part for part in evaluation.parts if part.is_elsewhere == is_elsewhere]
        if parts:
            table.add_section()
            table.add_row(heading, style="bold")
        for part in parts:
            table.add_row(*_part_row(part))
    if evaluation.negatives:
        table.add_section()
        table.add_row("none of the classes", style="bold")
    for group in evaluation.negatives:
        refused = with_interval(round(group.refused_share * group.images), group.images)
        table.add_row(group.group, str(group.images), "", "", "", refused)
    return table


def _part_row(part: PartFigures) -> list[str]:
    return [
        part.part,
        str(part.images),
        with_interval(part.images - len(part.wrong), part.images),
        f"{part.expected_calibration_error:.3f}",
        with_interval(part.unsure, part.images),
        with_interval(part.refused, part.images),
    ]
