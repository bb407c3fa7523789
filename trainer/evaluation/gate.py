"""Decides whether a new version may go live. Pure.

Small losses must not add up: a version may be a little less accurate than the champion only while it is no more than a
point less accurate than the best of its lineage was on the same test pictures. Each version carries that best accuracy
along (`Decision.held_to`); who promotes by hand a version that did not pass starts a lineage anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from trainer.evaluation.figures import Evaluation

SIGNIFICANT = 0.05
"""A difference that chance alone makes less often than this is one."""
MOST_LOST = 0.01
"""A loss of accuracy that could be chance may still be one: more than a point below the best is never taken."""
LARGEST_RISE = 0.02
"""Of the calibration error and of the refused share: twice what chance moves them by on 900 pictures."""
LARGEST_AUROC_LOSS = 0.02
"""Likewise, on 100 negatives; chance moves it less the more there are, as the root of their number."""
FEWEST_PICTURES = 100
"""With fewer test pictures, chance moves the first two by more than that, so they decide nothing."""
FEWEST_NEGATIVES = 30
"""With fewer, the AUROC decides nothing."""
LARGEST_LATENCY = 1.5
"""Times the champion's. Less could be the noise of a busy machine."""
LARGEST_SIZE = 2.0
"""Times the champion's serving file: what a container has room for while both are loaded."""
MOST_LOST_QUANTISED = 0.003
"""Of accuracy, by rounding a version's weights and activations: what half the time of an answer may cost."""
LARGEST_LATENCY_QUANTISED = 0.9
"""Times the float version's. What saves less could be noise, and is not worth any loss."""


@dataclass(frozen=True)
class Decision:
    """Whether a version becomes champion, with the reason for people."""

    passed: bool
    reason: str
    held_to: float = 0
    """Accuracy on these test pictures that the lineage of this version has shown, 0 to 1."""


@dataclass(frozen=True)
class Champion:
    """What is known of the champion beside its figures of now."""

    version: str
    held_to: float = 0
    """See Decision; 0 where it was tested with other pictures."""
    refuses: bool = False
    """Whether it was measured on negatives when it was made."""
    quantised: bool = False
    """Whether it computes with integers: hardly a float version is as fast."""


@dataclass(frozen=True)
class Cost:
    """What a version costs, as a multiple of what another one does."""

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


def compare(new: Evaluation, old: Evaluation, cost: Cost, champion: Champion) -> Decision:
    """Not worse passes: no fewer right answers than chance and the lineage allow; honesty, refusal and cost hold.

    Args:
        old: of the champion. Both evaluations are of the same pictures and classes, made now, each by its version's own
            contract; negatives count where both were measured on the same ones.
    """
    test = paired_test(new, old)
    figures = (
        f"{new.accuracy:.1%} right against {old.accuracy:.1%} of version {champion.version} on the same "
        f"{new.images} test pictures; of the {test.gained + test.lost} where they differ {test.gained} to {test.lost}, "
        f"p = {test.p:.2g}"
    )
    held_to = max(old.accuracy, champion.held_to)
    problems = [
        *_fewer_right(new, test, held_to),
        *_risen(new, old),
        *_lost_refusal(new, old, champion),
        *_too_dear(cost, champion),
    ]
    if problems:
        return Decision(False, f"Not as good as the champion: {'; '.join(problems)}. ({figures})", new.accuracy)
    return Decision(True, f"Not worse than the champion: {figures}.", max(held_to, new.accuracy))


def beside_parent(decision: Decision, new: Evaluation, parent: Evaluation, cost: Cost, version: str) -> Decision:
    """Adds to a decision on a quantised version what it must show beside the float one that it was made from.

    Args:
        decision: beside the champion.
        parent: of the float version. Both evaluations are of the same pictures, made now.
        cost: as a multiple of the float version's.
        version: the float version's number.
    """
    lost = round((parent.accuracy - new.accuracy) * new.images)
    figures = (
        f"{new.accuracy:.2%} right against {parent.accuracy:.2%} of its float version {version}, in {cost.latency:.2f} "
        f"times the time and {cost.size:.2f} times the size"
    )
    problems = []
    if lost > MOST_LOST_QUANTISED * new.images:
        problems.append(f"{lost} of {new.images} answers are lost, {MOST_LOST_QUANTISED:.1%} are allowed")
    if cost.latency > LARGEST_LATENCY_QUANTISED:
        problems.append(
            f"an answer takes {cost.latency:.2f} times the float version's, {LARGEST_LATENCY_QUANTISED:g} are allowed"
        )
    if not problems:
        return Decision(decision.passed, f"{decision.reason} Worth quantising: {figures}.", decision.held_to)
    also = "" if decision.passed else f" {decision.reason}"
    return Decision(False, f"Not worth quantising: {'; '.join(problems)}. ({figures}){also}", new.accuracy)


def _fewer_right(new: Evaluation, test: PairedTest, held_to: float) -> Sequence[str]:
    if test.lost > test.gained and test.p < SIGNIFICANT:
        return ["fewer answers are right"]
    if round((held_to - new.accuracy) * new.images) > MOST_LOST * new.images:
        return [f"fewer answers are right: {new.accuracy:.1%}, where {held_to:.1%} were reached before"]
    return []


def _risen(new: Evaluation, old: Evaluation) -> Sequence[str]:
    if new.images < FEWEST_PICTURES:
        return []
    pairs = (
        ("the calibration error", new.expected_calibration_error, old.expected_calibration_error),
        ("the share of test pictures called out of scope", new.refused_share, old.refused_share),
    )
    return [f"{name} is {now:.3f} against {then:.3f}" for name, now, then in pairs if now - then > LARGEST_RISE]


def _lost_refusal(new: Evaluation, old: Evaluation, champion: Champion) -> Sequence[str]:
    before = {group.group: group.auroc for group in old.negatives}
    groups = [group for group in new.negatives if group.group in before]
    negatives = sum(group.images for group in groups)
    if champion.refuses and not negatives:
        return [
            "the champion has shown that it refuses what is none of the classes, and this version was not compared "
            "with it; name pictures with --negatives DIR, or promote by hand"
        ]
    if negatives < FEWEST_NEGATIVES:
        return []
    now = sum(group.auroc * group.images for group in groups) / negatives
    then = sum(before[group.group] * group.images for group in groups) / negatives
    lost = then - now > LARGEST_AUROC_LOSS * (100 / negatives) ** 0.5
    return [f"the AUROC over {negatives} negatives is {now:.3f} against {then:.3f}"] if lost else []


def _too_dear(cost: Cost, champion: Champion) -> Sequence[str]:
    hint = "; it is quantised, so quantise this version, too" if champion.quantised else ""
    slow = f"an answer takes {cost.latency:.2f} times the champion's, {LARGEST_LATENCY:g} are allowed{hint}"
    large = f"its file has {cost.size:.2f} times the champion's, {LARGEST_SIZE:g} are allowed"
    return [*([slow] if cost.latency > LARGEST_LATENCY else []), *([large] if cost.size > LARGEST_SIZE else [])]
