"""What the page says about how well the live version did on test pictures."""

import math
from collections.abc import Iterator, Mapping

from engine.intervals import wilson_interval
from services.web.page.languages import Catalog


def figures_in_words(metrics: Mapping[str, float], t: Catalog) -> list[str]:
    """Returns a sentence about each collection that the version was tested on, with 95 % intervals.

    Args:
        metrics: `Provenance.test_metrics` of the version's contract.
    """
    learned = _share(metrics, "accuracy", "images", t)
    unsure, refused = metrics.get("unsure_share", 0), metrics.get("refused_share", 0)
    if learned is None or not (0 <= unsure <= 1 and 0 <= refused <= 1):
        return []
    return [
        t("figures.learned", **learned, unsure=t.percent(unsure), refused=t.percent(refused)),
        *(t("figures.elsewhere", part=part, **share) for part, share in _shares(metrics, "accuracy", "images", t)),
        *(
            t("figures.negatives", group=name, **share)
            for name, share in _shares(metrics, "refused_share", "negatives", t)
        ),
        t("figures.intervals"),
    ]


def _shares(
    metrics: Mapping[str, float], share: str, count: str, t: Catalog
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yields each name that stands after these metrics and a dot, with its figures, in alphabetical order."""
    for name in sorted(metric.removeprefix(f"{count}.") for metric in metrics if metric.startswith(f"{count}.")):
        found = _share(metrics, f"{share}.{name}", f"{count}.{name}", t)
        if found is not None:
            yield name, found


def _share(metrics: Mapping[str, float], share: str, count: str, t: Catalog) -> dict[str, object] | None:
    """Returns the figures of one collection; None where one is missing or makes no sense."""
    right, total = metrics.get(share, -1), metrics.get(count, 0)
    if not (0 <= right <= 1 and 1 <= total < math.inf):
        return None
    low, high = wilson_interval(right * total, total)
    return {"count": int(total), "percent": t.percent(right), "low": t.percent(low), "high": t.percent(high)}
