"""Decides whether a new version may go live. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from trainer.figures import Evaluation

SIGNIFICANT = 0.05
"""A difference that chance alone makes less often than this is one."""
MOST_LOST = 0.01
"""A loss of accuracy that could be chance may still be one: more than a point is never taken."""
LARGEST_RISE = 0.02
"""Of the calibration error and of the refused share: twice what chance moves them by on 900 pictures."""
LARGEST_AUROC_LOSS = 0.02
"""Likewise, on 100 negatives."""
FEWEST_PICTURES = 100
"""With fewer, chance moves these three by more than that, so they decide nothing."""
LARGEST_LATENCY = 1.5
"""Times the champion's. Less could be the noise of a busy machine."""
LARGEST_SIZE = 2.0
"""Times the champion's serving file: what a container has room for while both are loaded."""


@dataclass(frozen=True)
class Decision:
    """Whether a version becomes champion, with the reason for people."""

    passed: bool
    reason: str


@dataclass(frozen=True)
class Cost:
    """What a version costs, as a multiple of what the champion does."""

    latency: float
    size: float


@dataclass(frozen=True)
class PairedTest:
    """Two versions on the same pictures. Pictures that both get right or both get wrong say nothing about them."""

    gained: int
    """Pictures that only the new version gets right."""
    lost: int
    """Pictures that only the champion gets right."""

    @property
    def p(self) -> float:
        """How likely at least such a difference is between versions that are equally good: McNemar's exact test."""
        differing = self.gained + self.lost
        return float(binomtest(self.gained, differing).pvalue) if differing else 1.0


NO_CHAMPION = Decision(True, "There was no champion.")


def not_comparable(champion_version: str, why: str) -> Decision:
    """A champion that can't be scored on the same pictures stays until a person decides."""
    return Decision(False, f"Can't be compared with the champion, version {champion_version}. {why}")


def not_sound(why: str) -> Decision:
    """A version that would not be loaded must not be offered."""
    return Decision(False, f"Inference would refuse it: {why}")


def paired_test(new: Evaluation, champion: Evaluation) -> PairedTest:
    """Compares by picture. Both evaluations are of the same pictures."""
    wrong, wrong_before = ({mistake.file for mistake in side.mistakes} for side in (new, champion))
    return PairedTest(gained=len(wrong_before - wrong), lost=len(wrong - wrong_before))


def compare(new: Evaluation, champion: Evaluation, cost: Cost, champion_version: str) -> Decision:
    """Not worse passes: at least as accurate, or less by no more than a point and than chance explains; the rest holds.

    Both evaluations are of the same pictures and classes, made now, each by its version's own contract.
    """
    test = paired_test(new, champion)
    figures = (
        f"{new.accuracy:.1%} right against {champion.accuracy:.1%} of version {champion_version} on the same "
        f"{new.images} test pictures; of the {test.gained + test.lost} where they differ {test.gained} to {test.lost}, "
        f"p = {test.p:.2g}"
    )
    loss = test.lost - test.gained
    worse = loss > 0 and (test.p < SIGNIFICANT or loss > MOST_LOST * new.images)
    problems = [
        *(["fewer answers are right"] if worse else []),
        *_risen(new, champion),
        *_lost_refusal(new, champion),
        *_too_dear(cost),
    ]
    if problems:
        return Decision(False, f"Not as good as the champion: {'; '.join(problems)}. ({figures})")
    return Decision(True, f"Not worse than the champion: {figures}.")


def _risen(new: Evaluation, champion: Evaluation) -> Sequence[str]:
    if new.images < FEWEST_PICTURES:
        return []
    pairs = (
        ("the calibration error", new.expected_calibration_error, champion.expected_calibration_error),
        ("the share of test pictures called out of scope", new.refused_share, champion.refused_share),
    )
    return [f"{name} is {now:.3f} against {then:.3f}" for name, now, then in pairs if now - then > LARGEST_RISE]


def _lost_refusal(new: Evaluation, champion: Evaluation) -> Sequence[str]:
    negatives = sum(group.images for group in new.negatives)
    if negatives < FEWEST_PICTURES:
        return []
    now, then = (sum(group.auroc * group.images for group in side.negatives) / negatives for side in (new, champion))
    lost = then - now > LARGEST_AUROC_LOSS
    return [f"the AUROC over {negatives} negatives is {now:.3f} against {then:.3f}"] if lost else []


def _too_dear(cost: Cost) -> Sequence[str]:
    pairs = (("an answer takes", cost.latency, LARGEST_LATENCY), ("its file has", cost.size, LARGEST_SIZE))
    return [
        f"{name} {ratio:.2f} times the champion's, {most:g} are allowed" for name, ratio, most in pairs if ratio > most
    ]
