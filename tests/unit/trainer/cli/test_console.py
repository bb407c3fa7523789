"""What the terminal shows: names of classes and files as they are, whatever they look like."""

from dataclasses import replace
from pathlib import Path

from tests.support.trainer.evaluations import evaluation
from trainer.cli.console import NOTES, RESULTS, evaluation_table, warn_of_contradictions, warn_of_unreadable
from trainer.data.dataset import Contradiction, Picture, Unreadable


def test_class_names_that_look_like_markup_or_emoji_are_printed_as_they_are() -> None:
    figures = evaluation()
    names = ("model_[x]_1", "model_[bold]_2", ":banana:")
    classes = [replace(item, label=name) for item, name in zip(figures.classes, names, strict=True)]
    classes[2] = replace(classes[2], support=1)
    with RESULTS.capture() as printed:
        RESULTS.print(evaluation_table(replace(figures, classes=classes), "Model on data [v2]"))
    assert all(name in printed.get() for name in (*names, "data [v2]"))


def test_pictures_in_several_classes_are_counted_and_some_are_named() -> None:
    def found(number: int) -> Contradiction:
        paths = (Path(f"[x]/{number}.png"), Path(f"kiwi/copy_{number}.png"))
        return Contradiction([Picture(path, path.parent.name, "", 0) for path in paths])

    with NOTES.capture() as printed:
        warn_of_contradictions([found(number) for number in range(5)])
        warn_of_contradictions([])
    assert printed.get() == (
        "5 pictures lie in several classes and are left out: [x]/0.png = kiwi/copy_0.png, [x]/1.png = kiwi/copy_1.png, "
        "[x]/2.png = kiwi/copy_2.png and 2 more.\n"
    )


def test_files_with_odd_names_are_named() -> None:
    with NOTES.capture() as printed:
        warn_of_unreadable([Unreadable(Path("[red]/:x:.png"), "It is damaged.")])
    assert "[red]/:x:.png: It is damaged." in printed.get()
