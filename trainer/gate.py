"""Decides whether a new version may go live. Pure."""

from dataclasses import dataclass

from trainer.figures import Evaluation


@dataclass(frozen=True)
class Decision:
    """Whether a version becomes champion, with the reason for people."""

    passed: bool
    reason: str


NO_CHAMPION = Decision(True, "There was no champion.")


def not_comparable(champion_version: str, why: str) -> Decision:
    """A champion that can't be scored on the same pictures stays until a person decides."""
    return Decision(False, f"Can't be compared with the champion, version {champion_version}. {why}")


def compare(new: Evaluation, champion: Evaluation, champion_version: str) -> Decision:
    """Both evaluations are of the same test pictures and classes, made now, each by its version's own contract."""
    figures = (
        f"{new.accuracy:.2%} right against {champion.accuracy:.2%} of version {champion_version} "
        f"on the same {new.images} test pictures"
    )
    if new.accuracy >= champion.accuracy:
        return Decision(True, f"At least as good as the champion: {figures}.")
    return Decision(False, f"Not as good as the champion: {figures}.")
