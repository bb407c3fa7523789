"""Which photos are learned and which are tested on, over one version and the next."""

import random
from collections.abc import Sequence

import pytest

from engine.dataset import TEST, TRAIN
from engine.photo.alike import MAX_DISTANCE_BITS
from services.collection.datasets.sides import Candidate, Settled, sides_of

ORDER = random.Random(5)
TO_LEARN, TO_TEST = "f" * 64, "0" * 64


def far_looks(count: int) -> list[int]:
    return [ORDER.getrandbits(64) for _ in range(count)]


def near(look: int, bits: int = MAX_DISTANCE_BITS) -> int:
    """A hash that differs in so many bits."""
    for bit in ORDER.sample(range(64), bits):
        look ^= 1 << bit
    return look


def photo(name: str, look: int, digest: str = "", label: str = "kiwi", wanted: str | None = None) -> Candidate:
    return Candidate(name, digest or f"{ORDER.getrandbits(256):064x}", label, look, wanted)


def test_a_fifth_is_tested_on_and_the_content_alone_decides_which() -> None:
    photos = [photo(str(number), look) for number, look in enumerate(far_looks(2000))]
    sides, left_out = sides_of(photos, [], {})
    assert left_out == 0
    assert 300 < list(sides.values()).count(TEST) < 500
    renamed = [item._replace(photo=item.digest) for item in reversed(photos)]
    assert sides_of(renamed, [], {})[0] == {item.digest: sides[item.photo] for item in photos}


@pytest.mark.parametrize("digest", [TO_LEARN, TO_TEST])
def test_a_burst_is_on_one_side(digest: str) -> None:
    first = far_looks(1)[0]
    burst = [photo("0", first, digest)]
    for number in range(1, 10):  # each resembles the one before, and the last one not the first one any more
        burst.append(photo(str(number), near(burst[-1].look), f"{number}" * 64))
    others = [photo(f"other {number}", look) for number, look in enumerate(far_looks(50))]
    sides, _ = sides_of([*burst, *others], [], {})
    assert len({sides[item.photo] for item in burst}) == 1


@pytest.mark.parametrize("side", [TRAIN, TEST])
def test_a_new_photo_joins_those_that_it_resembles(side: str) -> None:
    look = far_looks(1)[0]
    for digest in (TO_LEARN, TO_TEST):
        assert sides_of([photo("new", near(look), digest)], [Settled(look, side)], {})[0] == {"new": side}
    opposite = TEST if side == TRAIN else TRAIN
    assert sides_of([photo("new", near(look), wanted=opposite)], [Settled(look, side)], {})[0] == {"new": side}


def test_a_photo_between_both_sides_is_on_neither() -> None:
    look = far_looks(1)[0]
    learned, tested = Settled(look ^ 0b111111, TRAIN), Settled(look ^ 0b111111 << 32, TEST)
    assert sides_of([photo("between", look), photo("far", far_looks(1)[0])], [learned, tested], {})[1] == 1


def test_an_import_decides_unless_copies_should_be_on_both_sides() -> None:
    look, *others = far_looks(3)
    wishes = [photo("a", others[0], TO_LEARN, wanted=TEST), photo("b", others[1], TO_TEST, wanted=TRAIN)]
    copies = [photo("c", look, wanted=TEST), photo("d", near(look), wanted=TRAIN)]
    sides, _ = sides_of([*wishes, *copies], [], {})
    assert sides == {"a": TEST, "b": TRAIN, "c": TRAIN, "d": TRAIN}


@pytest.mark.parametrize("digest", [TO_LEARN, TO_TEST])
@pytest.mark.parametrize("count", [2, 3])
def test_a_class_with_few_photos_has_one_on_each_side(digest: str, count: int) -> None:
    photos = [photo(str(number), look, digest[1:] + str(number)) for number, look in enumerate(far_looks(count))]
    assert set(sides_of(photos, [], {})[0].values()) == {TRAIN, TEST}


def test_a_class_that_has_both_sides_already_gets_no_other_photo_for_its_sake() -> None:
    photos = [photo(str(number), look, TO_LEARN[1:] + str(number)) for number, look in enumerate(far_looks(3))]
    assert set(sides_of(photos, [], {"kiwi": {TRAIN, TEST}})[0].values()) == {TRAIN}
    assert set(sides_of(photos, [], {"kiwi": {TRAIN}})[0].values()) == {TRAIN, TEST}


def test_the_only_photo_of_a_class_is_learned() -> None:
    assert sides_of([photo("one", far_looks(1)[0], TO_TEST)], [], {})[0] == {"one": TRAIN}


def test_near_duplicates_are_found_as_by_a_look_at_all_pairs() -> None:
    looks = far_looks(150)
    looks += [near(look, bits) for look in looks for bits in (3, 5, 6, 7, 8)]
    photos = [photo(str(number), look) for number, look in enumerate(looks)]
    sides, _ = sides_of(photos, [], {})
    assert not crossing(photos, [sides[item.photo] for item in photos])


def crossing(photos: Sequence[Candidate], sides: Sequence[str]) -> list[tuple[str, str]]:
    return [
        (one.photo, other.photo)
        for one, side in zip(photos, sides, strict=True)
        for other, other_side in zip(photos, sides, strict=True)
        if side != other_side and (one.look ^ other.look).bit_count() <= MAX_DISTANCE_BITS
    ]
