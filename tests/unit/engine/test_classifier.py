"""Classifies whole photos with the released model, in one call."""

from pathlib import Path

import pytest
from verger.v1 import classifier_pb2

from engine.classifier import Classifier, load
from engine.errors import ImageFormatUnsupported, ImageTooLarge, VersionUnknown
from engine.model.tensors import to_model_input
from engine.photo.decoding import preprocess
from engine.photo.opening import Limits
from engine.photo.tensor import to_tensor
from tests.support.repository import ROOT

RELEASED = ROOT / "models" / "fruit-classifier"
SAMPLES = sorted((ROOT / "services" / "web" / "page" / "static" / "samples").glob("*.webp"))


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return load(RELEASED)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_a_sample_photo_shows_the_fruit_it_is_named_after(classifier: Classifier, sample: Path) -> None:
    answer = classifier.classify(sample.read_bytes(), top_k=3)
    assert answer.predictions[0].label == sample.stem
    assert len(answer.predictions) == 3
    assert not answer.HasField("evidence")


def test_there_are_sample_photos() -> None:
    assert len(SAMPLES) == 10


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("two_fruits", classifier_pb2.VERDICT_UNSURE), ("dog", classifier_pb2.VERDICT_OUT_OF_SCOPE)],
)
def test_the_other_sample_photos_show_what_the_model_does_not_recognise(
    classifier: Classifier, name: str, verdict: classifier_pb2.Verdict
) -> None:
    answer = classifier.classify((SAMPLES[0].parent / "others" / f"{name}.webp").read_bytes())
    assert answer.verdict == verdict


def test_one_call_gives_the_same_answer_as_the_two_services(classifier: Classifier) -> None:
    """Preprocess packs a tensor, and inference unpacks it."""
    photo, model = SAMPLES[0].read_bytes(), classifier.model
    spec = model.contract.preprocessing
    tensor = to_tensor(preprocess(photo, spec, Limits()), spec)
    answer = model.classify(to_model_input(tensor, spec), top_k=0, include_evidence=True)
    assert classifier.classify(photo, include_evidence=True) == answer
    assert answer.HasField("evidence")


def test_several_cores_give_the_same_answer_as_one(classifier: Classifier) -> None:
    multicore = load(RELEASED, cores=2)
    assert multicore.model.multicore_session is not multicore.model.session
    for sample in SAMPLES:
        assert multicore.classify(sample.read_bytes()) == classifier.classify(sample.read_bytes())


def test_the_answer_names_the_folder_as_its_model(classifier: Classifier) -> None:
    answer = classifier.classify(SAMPLES[0].read_bytes())
    assert (answer.model.name, answer.model.version) == ("fruit-classifier", "")


def test_bytes_that_are_no_photo_are_refused(classifier: Classifier) -> None:
    with pytest.raises(ImageFormatUnsupported):
        classifier.classify(b"hello")


def test_limits_are_checked() -> None:
    with pytest.raises(ImageTooLarge):
        load(RELEASED, Limits(max_bytes=100)).classify(SAMPLES[0].read_bytes())


def test_a_folder_without_a_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VersionUnknown):
        load(tmp_path)
