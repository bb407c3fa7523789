"""Wrong labels among right ones: real photos, the answers of the released version, and one label in twenty changed."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from verger.v1 import classifier_pb2

from engine.classifier import load
from services.collection.facts import Label, LabelKind, Prediction, doubt_of, margin_of
from tests.support.repository import ROOT

PHOTOS_PER_CLASS = 30


class Answered(NamedTuple):
    """A photo's true class, and what was answered."""

    truth: str
    verdict: str
    predicted: str
    margin: float


@pytest.fixture(scope="module")
def answers(photo_data: Path) -> list[Answered]:
    classifier = load(ROOT / "models" / "fruit-classifier")

    def answered() -> Iterator[Answered]:
        for folder in sorted((photo_data / "fruits" / "test").iterdir()):
            for file in sorted(folder.iterdir())[:PHOTOS_PER_CLASS]:
                answer = classifier.classify(file.read_bytes())
                predictions = [Prediction(each.label, each.probability) for each in answer.predictions]
                verdict = classifier_pb2.Verdict.Name(answer.verdict).removeprefix("VERDICT_").lower()
                yield Answered(folder.name, verdict, predictions[0].label, margin_of(predictions))

    return list(answered())


@pytest.mark.parametrize("seed", range(5))
def test_most_wrong_labels_stand_in_the_first_tenth_of_those_to_check(answers: list[Answered], seed: int) -> None:
    order = random.Random(seed)
    classes = sorted({each.truth for each in answers})
    wrong = set(order.sample(range(len(answers)), len(answers) // 20))

    def doubt(number: int) -> float:
        truth, *answer = answers[number]
        name = order.choice([each for each in classes if each != truth]) if number in wrong else truth
        return doubt_of(Label(LabelKind.CLASS, name), *answer) or -1.0  # those without a doubt are not in the list

    doubts = [doubt(number) for number in range(len(answers))]
    first_tenth = sorted(range(len(answers)), key=doubts.__getitem__, reverse=True)[: len(answers) // 10]
    assert len(wrong & set(first_tenth)) >= 0.8 * len(wrong)
