"""Decides whether a new version may become champion. Pure.

Small losses must not add up. A version may be slightly less accurate than the champion, but at most one percentage
point less accurate than the best version of its lineage on the same test pictures. Each version records that accuracy
(`Decision.lineage_best`). Promoting by hand a version that did not pass starts a new lineage.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from trainer.evaluation.figures import Evaluation, PartFigures

SIGNIFICANCE_LEVEL = 0.05
"""Differences that chance produces less often than this are significant."""
MAX_ACCURACY_LOSS = 0.01
"""Accuracy that a version may lose against the best of its lineage, even where chance could explain a larger loss."""
MAX_PART_LOSS = 0.01
"""Largest loss of accuracy on a part of 900 pictures; on n pictures it is multiplied by sqrt(900 / n), as chance is."""
MAX_RISE = 0.02
"""Largest rise of the calibration error and of the refused share: twice their random variation on 900 pictures."""
MAX_AUROC_LOSS = 0.02
"""Largest loss of AUROC on 100 negatives; on n negatives it is multiplied by sqrt(100 / n), as chance is. It holds for
all of them together and for each group."""
MIN_TEST_PICTURES = 100
"""Number of test pictures below which MAX_RISE is not applied, because chance exceeds it."""
MIN_NEGATIVES = 30
"""Number of negatives below which the AUROC is not compared."""
MAX_LATENCY_RATIO = 1.5
"""Latency over the champion's. Smaller ratios may be noise of a busy machine."""
MAX_SIZE_RATIO = 2.0
"""Size of the serving file over the champion's: both must fit into a container while they are swapped."""
MAX_ACCURACY_LOSS_QUANTISED = 0.003
"""Accuracy that quantising may lose against the same network in float, in return for half the latency."""
MAX_LATENCY_RATIO_QUANTISED = 0.9
"""Latency over that in float. A smaller gain may be noise and justifies no loss."""


@dataclass(frozen=True)
class Decision:
    """Whether a version becomes champion, with the reason in a sentence."""

    passed: bool
    reason: str
    lineage_best: float = 0
    """Best accuracy of this version's lineage on these test pictures, 0 to 1."""


@dataclass(frozen=True)
class Quantising:
    """Whether a version is better served in 8-bit integers, with the reason in a sentence."""

    is_worth_it: bool
    reason: str


@dataclass(frozen=True)
class Champion:
    """The champion, without the figures that were measured for this comparison."""

    version: str
    lineage_best: float = 0
    """See Decision; 0 if it was tested on other pictures."""
    refuses: bool = False
    """Whether it was tested on negatives when it was trained."""
    is_quantised: bool = False
    """Whether it is int8, which few float versions are as fast as."""
    elsewhere: Sequence[str] = ()
    """Parts from elsewhere that it was tested on when it was trained."""


@dataclass(frozen=True)
class Cost:
    """Cost of serving a version, relative to another one."""

    latency: float
    size: float


@dataclass(frozen=True)
class PairedTest:
    """Two versions on the same pictures. Only pictures that one of them gets right count."""

    gained: int
    """Number of pictures that only the new version gets right."""
    lost: int
    """Number of pictures that only the champion gets right."""

    @property
    def p(self) -> float:
        """p-value of McNemar's exact test: probability of such a difference between equally good versions."""
        differing = self.gained + self.lost
        return float(binomtest(self.gained, differing).pvalue) if differing else 1.0


NO_CHAMPION = Decision(True, "There was no champion.")


def not_comparable(champion_version: str, why: str) -> Decision:
    """Refuses a version that can't be compared with the champion; a person decides."""
    return Decision(False, f"Can't be compared with the champion, version {champion_version}. {why}")


def not_sound(why: str) -> Decision:
    """Refuses a version that inference would not load."""
    return Decision(False, f"Inference would refuse it: {why}")


def paired_test(new: Evaluation, champion: Evaluation) -> PairedTest:
    """Compares two evaluations of the same pictures, picture by picture."""
    wrong, wrong_before = ({mistake.file for mistake in side.mistakes} for side in (new, champion))
    return PairedTest(gained=len(wrong_before - wrong), lost=len(wrong - wrong_before))


def compare(new: Evaluation, old: Evaluation, cost: Cost, champion: Champion) -> Decision:
    """Compares a new version with the champion. A version passes if it is not worse.

    It may have no fewer right answers than chance and its lineage allow. Calibration, refusal and cost must hold, too.

    Args:
        new: evaluation of the new version.
        old: evaluation of the champion on the same pictures and classes, by its own contract. Groups of negatives count
            if both versions were evaluated on them.
    """
    test = paired_test(new, old)
    figures = (
        f"{new.accuracy:.1%} right against {old.accuracy:.1%} of version {champion.version} on the same "
        f"{new.images} test pictures; of the {test.gained + test.lost} where they differ {test.gained} to {test.lost}, "
        f"p = {test.p:.2g}"
    )
    lineage_best = max(old.accuracy, champion.lineage_best)
    problems = [
        *_accuracy_problems(new, test, lineage_best),
        *_calibration_problems(new, old),
        *_part_problems(new, old, champion),
        *_refusal_problems(new, old, champion),
        *_cost_problems(cost, champion),
    ]
    if problems:
        return Decision(False, f"Not as good as the champion: {'; '.join(problems)}. ({figures})", new.accuracy)
    return Decision(True, f"Not worse than the champion: {figures}.", max(lineage_best, new.accuracy))


def worth_quantising(right: int, right_in_float: int, images: int, cost: Cost) -> Quantising:
    """Compares a network in 8-bit integers with itself in float, on the same test pictures.

    Args:
        right: number of right answers in 8-bit integers.
        images: number of test pictures.
        cost: in 8-bit integers relative to float.
    """
    lost = right_in_float - right
    problems = []
    if lost > MAX_ACCURACY_LOSS_QUANTISED * images:
        problems.append(
            f"{lost} fewer of {images} test pictures would be right ({MAX_ACCURACY_LOSS_QUANTISED:.1%} are allowed)"
        )
    if cost.latency > MAX_LATENCY_RATIO_QUANTISED:
        problems.append(
            f"an answer would take {cost.latency:.2f} times as long where it was trained "
            f"({MAX_LATENCY_RATIO_QUANTISED:g} are allowed)"
        )
    if problems:
        return Quantising(False, f"It computes in float. In 8-bit integers {' and '.join(problems)}.")
    return Quantising(
        True,
        f"It computes in 8-bit integers: {right} of {images} test pictures are right, in float {right_in_float}. Where "
        f"it was trained, an answer takes {cost.latency:.2f} times the time of float; the file has {cost.size:.2f} "
        "times the size.",
    )


def _accuracy_problems(new: Evaluation, test: PairedTest, lineage_best: float) -> Sequence[str]:
    if test.lost > test.gained and test.p < SIGNIFICANCE_LEVEL:
        return ["fewer answers are right"]
    if round((lineage_best - new.accuracy) * new.images) > MAX_ACCURACY_LOSS * new.images:
        return [f"fewer answers are right: {new.accuracy:.1%}, where {lineage_best:.1%} were reached before"]
    return []


def _calibration_problems(new: Evaluation, old: Evaluation) -> Sequence[str]:
    if new.images < MIN_TEST_PICTURES:
        return []
    pairs = (
        ("the calibration error", new.expected_calibration_error, old.expected_calibration_error),
        ("the share of test pictures called out of scope", new.refused_share, old.refused_share),
    )
    return [f"{name} is {now:.3f} against {then:.3f}" for name, now, then in pairs if now - then > MAX_RISE]


def _part_problems(new: Evaluation, old: Evaluation, champion: Champion) -> Sequence[str]:
    """Compares part by part, so that no version buys one with another."""
    parts = {part.part: part for part in new.parts}
    missing = sorted(set(champion.elsewhere) - set(parts))
    problems = []
    if missing:
        problems.append(
            f"the champion was also tested on {', '.join(missing)}, and this version was not compared with it there; "
            "name these pictures with --elsewhere DIR, or promote by hand"
        )
    for before in old.parts:
        if before.is_elsewhere or before.images < old.images:  # the whole is compared above
            problems += _problems_of_a_part(parts[before.part], before)
    return problems


def _problems_of_a_part(new: PartFigures, old: PartFigures) -> Sequence[str]:
    test = PairedTest(gained=len(set(old.wrong) - set(new.wrong)), lost=len(set(new.wrong) - set(old.wrong)))
    lost = test.lost - test.gained
    is_significant = lost > 0 and test.p < SIGNIFICANCE_LEVEL
    problems = []
    if is_significant or lost > MAX_PART_LOSS * (900 * new.images) ** 0.5:
        problems.append(f"{new.accuracy:.1%} of {new.images} are right on {new.part} against {old.accuracy:.1%}")
    if new.images >= MIN_TEST_PICTURES:
        pairs = (
            ("the calibration error", new.expected_calibration_error, old.expected_calibration_error),
            ("the share called out of scope", new.refused / new.images, old.refused / old.images),
        )
        problems += [
            f"{name} on {new.part} is {now:.3f} against {then:.3f}"
            for name, now, then in pairs
            if now - then > MAX_RISE
        ]
    return problems


def _refusal_problems(new: Evaluation, old: Evaluation, champion: Champion) -> Sequence[str]:
    before = {group.group: group.auroc for group in old.negatives}
    groups = [group for group in new.negatives if group.group in before]
    negatives = sum(group.images for group in groups)
    if champion.refuses and not negatives:
        return [
            "the champion has shown that it refuses what is none of the classes, and this version was not compared "
            "with it; name pictures with --negatives DIR, or promote by hand"
        ]
    if negatives < MIN_NEGATIVES:
        return []
    now = sum(group.auroc * group.images for group in groups) / negatives
    then = sum(before[group.group] * group.images for group in groups) / negatives
    compared = [(f"over {negatives} negatives", negatives, now, then)]
    compared += [
        (f"over {group.images} negatives {group.group}", group.images, group.auroc, before[group.group])
        for group in groups
        if group.images >= MIN_NEGATIVES
    ]
    return [
        f"the AUROC {name} is {now:.3f} against {then:.3f}"
        for name, count, now, then in compared
        if then - now > MAX_AUROC_LOSS * (100 / count) ** 0.5
    ]


def _cost_problems(cost: Cost, champion: Champion) -> Sequence[str]:
    hint = "; it computes in 8-bit integers, which lose this version too many answers" if champion.is_quantised else ""
    slow = f"an answer takes {cost.latency:.2f} times the champion's, {MAX_LATENCY_RATIO:g} are allowed{hint}"
    large = f"its file has {cost.size:.2f} times the champion's, {MAX_SIZE_RATIO:g} are allowed"
    return [*([slow] if cost.latency > MAX_LATENCY_RATIO else []), *([large] if cost.size > MAX_SIZE_RATIO else [])]
