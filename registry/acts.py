"""What people do to a registered model through Verger, as its own tags in MLflow, where the audit finds it.

The trainer writes an act before it begins and moves no alias that the act does not name. So an alias that has moved and
that no act names was moved by somebody else.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

PREFIX = "verger.act."
MAX_ACTS = 50
"""Acts that are kept in MLflow. The audit has long had older ones."""

MAX_CHARACTERS = 100
"""Of each text of an act; whoever reaches MLflow can write tags."""

BEGUN = "begun"
DONE = "done"


class Kind(StrEnum):
    """What was done."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    TRAIN = "train"
    IMPORT = "import"


@dataclass(frozen=True)
class Act:
    """One act."""

    id: str
    """Sorts by the time at which the act began."""

    kind: Kind
    who: str
    place: str
    """Program and host."""

    subject: str
    """What it was done to, such as “version 3”."""

    result: str = BEGUN
    """BEGUN, DONE, or why it failed: a reason in capitals, or a word."""

    moves: Mapping[str, str] = field(default_factory=dict)
    """The versions that aliases were moved to; an empty text for an alias that was deleted."""

    def tag(self) -> tuple[str, str]:
        """Returns the key and the value of the act's tag."""
        facts = asdict(self)
        return PREFIX + facts.pop("id"), json.dumps(facts, ensure_ascii=False)

    def with_move(self, alias: str, version: str) -> "Act":
        """Returns the act with one more move."""
        return replace(self, moves={**self.moves, alias: version})


def new_act(kind: Kind, who: str, place: str, subject: str) -> Act:
    """Returns an act that begins now."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    return Act(f"{now}-{secrets.token_hex(4)}", kind, who, place, subject)


def acts_in(tags: Mapping[str, str]) -> list[Act]:
    """Returns the acts in the tags of a model, oldest first. Tags that are no acts are left out."""
    found = (_act_in(key.removeprefix(PREFIX), tags[key]) for key in sorted(tags) if key.startswith(PREFIX))
    return [act for act in found if act is not None]


def _act_in(identity: str, value: str) -> Act | None:
    try:
        facts: dict[str, Any] = json.loads(value)
        texts = {name: _text(facts[name]) for name in ("who", "place", "subject", "result")}
        moves = {_text(alias): _text(version) for alias, version in dict(facts["moves"]).items()}
        return Act(_text(identity), Kind(facts["kind"]), **texts, moves=moves)
    except (ValueError, KeyError, TypeError):
        return None


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_CHARACTERS or not value.isprintable():
        raise ValueError("this is no text of an act")
    return value
