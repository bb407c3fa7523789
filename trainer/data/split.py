"""Assigns pictures to parts by their content. Pure.

A digest of a picture decides where it goes, so that its part depends neither on its name nor on other pictures. No rule
that looks at one picture alone can also promise a test picture to each small class. So a class that would have none
gets one: the training picture with the lowest digest that is like no other training picture. This keeps what a fair
comparison with older versions needs: when pictures are added, no training picture becomes a test picture. A test
picture that a small class was given may become a training picture. The exception is a class whose pictures would all
be for testing; the one with the highest digest is then kept for training.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from trainer.data.dataset import Overlap, Picture
from trainer.data.duplicates import nearest

TEST_SHARE = 0.20
VALIDATION_SHARE = 0.15


def train_and_test(
    pictures: Mapping[str, list[Picture]], added: Sequence[Picture]
) -> tuple[list[Picture], list[Picture], list[Overlap]]:
    """Returns training pictures, test pictures, and the test pictures that show a photo to learn from.

    Args:
        pictures: by part, sorted by digest. A folder's own parts stay as they are; those of "all" are split.
        added: further pictures to learn from.
    """
    if "all" not in pictures:
        learned = [*pictures["train"], *pictures.get("validation", []), *added]
        return pictures["train"], *without_overlap(pictures["test"], learned)
    chosen = _chosen(pictures["all"], _is_for_testing)
    train = _without(pictures["all"], chosen)
    test, _ = without_overlap(chosen, [*train, *added])
    lacking = {picture.label for picture in train} - {picture.label for picture in test}
    given = [picture for label in sorted(lacking) for picture in _most_different(label, train, added)]
    train = _without(train, given)
    return train, *without_overlap(by_digest([*chosen, *given]), [*train, *added])


def train_and_validation(
    pictures: Sequence[Picture], own: Sequence[Picture]
) -> tuple[list[Picture], Sequence[Picture]]:
    """Returns the pictures that train and those that validate.

    Args:
        pictures: the training part.
        own: the folder's own validation part; where it is empty, one is split off the training part.
    """
    validation = own or _chosen(pictures, is_for_validation)
    return _without(pictures, validation), validation


def without_overlap(test: Sequence[Picture], train: Sequence[Picture]) -> tuple[list[Picture], list[Overlap]]:
    """Returns test pictures that show no photo to learn from, and those that do with that photo."""
    found = nearest([picture.perceptual_hash for picture in test], [picture.perceptual_hash for picture in train])
    pairs = list(zip(test, found, strict=True))
    overlap = [Overlap(picture, train[place]) for picture, place in pairs if place is not None]
    return [picture for picture, place in pairs if place is None], overlap


def is_for_validation(digest: str) -> bool:
    """Returns whether a picture validates, by its SHA-256 in hexadecimal."""
    return int(digest[8:16], 16) < VALIDATION_SHARE * 2**32


def by_digest(pictures: Iterable[Picture]) -> list[Picture]:
    """Returns the pictures in an order that does not depend on their names."""
    return sorted(pictures, key=lambda picture: (picture.digest, picture.label))


def _is_for_testing(digest: str) -> bool:
    return int(digest[:8], 16) < TEST_SHARE * 2**32


def _chosen(pictures: Sequence[Picture], choose: Callable[[str], bool]) -> list[Picture]:
    """The pictures that `choose` chooses by their digest, but never all of a class."""
    digests: dict[str, set[str]] = defaultdict(set)
    for picture in pictures:
        digests[picture.label].add(picture.digest)
    kept = {max(of_class) for of_class in digests.values() if all(map(choose, of_class))}
    return [picture for picture in pictures if choose(picture.digest) and picture.digest not in kept]


def _without(pictures: Iterable[Picture], others: Iterable[Picture]) -> list[Picture]:
    digests = {picture.digest for picture in others}
    return [picture for picture in pictures if picture.digest not in digests]


def _most_different(label: str, train: Sequence[Picture], added: Sequence[Picture]) -> list[Picture]:
    """The first picture of a class that is like no other picture to learn from, if there is one and it isn't alone."""
    learned = [picture.perceptual_hash for picture in [*train, *added]]
    places = [place for place, picture in enumerate(train) if picture.label == label]
    for place in places if len(places) > 1 else ():
        if nearest([learned[place]], [*learned[:place], *learned[place + 1 :]])[0] is None:
            return [train[place]]
    return []
