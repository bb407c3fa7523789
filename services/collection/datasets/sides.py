"""Decides which photos a model learns from and which it is tested on. Pure.

Photos of the same scene, as engine.photo.alike tells them, are a group, and a group is on one side. A photo that has a
side keeps it for ever. A new group goes where the photos are that it resembles, else where an import wanted it, else
where the content of one of its photos says. A group that resembles photos of both sides can be on neither.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine.dataset import TEST, TRAIN
from engine.photo.alike import MAX_DISTANCE_BITS

TEST_SHARE = 0.20
"""Part of the groups that are tested on, where neither an import nor a class with few photos asks for more."""

_BANDS, _BITS = 4, 16
"""Hashes are looked up by quarters. Of six different bits, at most one is in some quarter."""

_DIFFERENCES = (0, *(1 << bit for bit in range(_BITS)))


class Candidate(NamedTuple):
    """A labelled photo."""

    photo: str
    """Its id."""

    digest: str
    """SHA-256 of its file, in hexadecimal digits."""

    label: str
    """Its class; empty for none of the classes."""

    look: int
    """Its perceptual hash."""

    wanted: str | None = None
    """The side that an import wanted for it."""


class Settled(NamedTuple):
    """A photo that has a side."""

    look: int
    side: str


@dataclass
class _Group:
    members: list[Candidate]
    neighbours: set[str]
    """Sides of photos that the group resembles."""

    side: str = TRAIN

    @property
    def leader(self) -> str:
        return min(member.digest for member in self.members)

    @property
    def labels(self) -> set[str]:
        return {member.label for member in self.members}

    @property
    def is_free(self) -> bool:
        """Whether its content alone decides."""
        return not self.neighbours and not any(member.wanted for member in self.members)


def sides_of(
    new: Sequence[Candidate], settled: Iterable[Settled], present: Mapping[str, set[str]]
) -> tuple[Mapping[str, str], int]:
    """Returns the sides of photos that have none yet, by their ids, and the number of those that can be on neither.

    Args:
        new: photos without a side.
        settled: all photos of the classifier that have one, with or without a label today.
        present: the sides on which each class has photos already.
    """
    groups = _groups(new, list(settled))
    possible = [group for group in groups if len(group.neighbours) < 2]
    for group in possible:
        group.side = _side_of(group)
    _complete(possible, present)
    sides = {member.photo: group.side for group in possible for member in group.members}
    return sides, len(new) - len(sides)


def _side_of(group: _Group) -> str:
    if group.neighbours:
        return next(iter(group.neighbours))
    if wanted := {member.wanted for member in group.members if member.wanted}:
        return TEST if wanted == {TEST} else TRAIN  # what some model may have learned is no test
    return TEST if int(group.leader[:8], 16) < TEST_SHARE * 2**32 else TRAIN


def _complete(groups: Sequence[_Group], present: Mapping[str, set[str]]) -> None:
    """Gives a class that has photos on one side alone a group on the other one, if it has two and one is free."""
    for label in sorted({label for group in groups for label in group.labels}):
        of_class = sorted((group for group in groups if label in group.labels), key=lambda group: group.leader)
        for lacking, other in ((TRAIN, TEST), (TEST, TRAIN)):
            sides = present.get(label, set()) | {group.side for group in of_class}
            there = [group for group in of_class if group.side == other]
            movable = [group for group in there if group.is_free]
            if lacking not in sides and movable and (lacking == TRAIN or _has_more(there, label, present, other)):
                movable[0].side = lacking


def _has_more(groups: Sequence[_Group], label: str, present: Mapping[str, set[str]], side: str) -> bool:
    return len(groups) > 1 or side in present.get(label, set())


def _groups(new: Sequence[Candidate], settled: Sequence[Settled]) -> list[_Group]:
    index = _Index([*(item.look for item in new), *(item.look for item in settled)] if new else [])
    grouped = [False] * len(new)
    found: list[_Group] = []
    for start in range(len(new)):
        if grouped[start]:
            continue
        group = _Group([], set())
        found.append(group)
        reached, grouped[start] = [start], True
        while reached:
            item = new[reached.pop()]
            group.members.append(item)
            for place in index.alike(item.look):
                if place >= len(new):
                    group.neighbours.add(settled[place - len(new)].side)
                elif not grouped[place]:
                    grouped[place] = True
                    reached.append(place)
    return found


class _Index:
    """Finds the hashes that are within MAX_DISTANCE_BITS of one, without a look at all others."""

    def __init__(self, looks: Sequence[int]) -> None:
        self._looks = looks
        self._places: dict[int, list[int]] = defaultdict(list)
        for place, look in enumerate(looks):
            for key in _quarters(look):
                self._places[key].append(place)

    def alike(self, look: int) -> set[int]:
        """Returns the places of all hashes like this one."""
        near: set[int] = set()
        for key in _quarters(look):
            for difference in _DIFFERENCES:
                near.update(self._places.get(key ^ difference, ()))
        return {place for place in near if (self._looks[place] ^ look).bit_count() <= MAX_DISTANCE_BITS}


def _quarters(look: int) -> Iterator[int]:
    for band in range(_BANDS):
        yield band << _BITS | look >> band * _BITS & (1 << _BITS) - 1
