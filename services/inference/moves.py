"""What the audit says of a registered model, from what was seen of it before and what is seen now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from registry.acts import BEGUN, Act, Kind
from services.access.audit import DONE, UNKNOWN, Action, Entry

ACTIONS = {
    Kind.PROMOTE: Action.PROMOTE,
    Kind.ROLLBACK: Action.ROLLBACK,
    Kind.TRAIN: Action.TRAIN,
    Kind.IMPORT: Action.IMPORT,
}
MAX_RESULT_CHARACTERS = 40
MAX_SUBJECT_CHARACTERS = 100


@dataclass(frozen=True)
class Seen:
    """What was seen of a model."""

    aliases: Mapping[str, str]
    """The version of each."""

    results: Mapping[str, str] = field(default_factory=dict)
    """The result of each act by its id."""

    def as_json(self) -> dict[str, Any]:
        """Returns what JSON has of it."""
        return {"aliases": dict(self.aliases), "results": dict(self.results)}


def seen_in(aliases: Mapping[str, str], acts: Sequence[Act]) -> Seen:
    """Returns what is seen of a model with these aliases and acts."""
    return Seen(aliases, {act.id: act.result for act in acts})


def of_acts(model: str, before: Seen | None, acts: Sequence[Act]) -> Iterator[Entry]:
    """Yields an entry for each act that has begun or ended since."""
    known = before.results if before else {}
    for act in acts:
        if known.get(act.id) != act.result:
            subject = f"{model} {act.subject}".strip()[:MAX_SUBJECT_CHARACTERS]
            result = act.result[:MAX_RESULT_CHARACTERS]
            yield Entry(act.who, act.place, ACTIONS[act.kind], subject, result, _details(act))


def outside(
    model: str, place: str, before: Seen | None, aliases: Mapping[str, str], acts: Sequence[Act]
) -> list[Entry]:
    """Returns an entry for each alias that has moved since and that no act names: somebody has moved it without Verger.

    An act explains a move while it goes on, and when it has ended since. Whoever sees a model for the first time knows
    of no move.
    """
    if before is None:
        return []
    fresh = [act for act in acts if act.result == BEGUN or before.results.get(act.id) != act.result]
    explained = {(alias, version) for act in fresh for alias, version in act.moves.items()}
    moved = {
        alias: aliases.get(alias, "")
        for alias in sorted({*before.aliases, *aliases})
        if before.aliases.get(alias) != aliases.get(alias)
    }
    return [
        Entry(
            UNKNOWN,
            place,
            Action.MOVE,
            f"{model} {alias}"[:MAX_SUBJECT_CHARACTERS],
            DONE,
            {"from": before.aliases.get(alias, "none"), "to": version or "none"},
        )
        for alias, version in moved.items()
        if (alias, version) not in explained
    ]


def _details(act: Act) -> dict[str, str | int]:
    return {alias: version or "none" for alias, version in act.moves.items()}
