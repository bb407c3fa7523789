"""What the page says about how well the live version did on test pictures."""

from collections.abc import Mapping

from engine.intervals import wilson_interval
from services.web.page.languages import Catalog


def figures_in_words(metrics: Mapping[str, float], t: Catalog) -> list[str]:
    """Returns a sentence about each collection that the version was tested on, with 95 % intervals.

    Args:
        metrics: `Provenance.test_metrics` of the version's contract.
    """
    images = metrics.get("images", 0)
    if images < 1 or "accuracy" not in metrics:
        return []
    sentences = [
        t(
            "figures.learned",
            **_share(metrics["accuracy"], images, t),
            unsure=t.percent(metrics.get("unsure_share", 0)),
            refused=t.percent(metrics.get("refused_share", 0)),
        )
    ]
    for part, count in _counts(metrics, "images."):
        sentences.append(t("figures.elsewhere", part=part, **_share(metrics[f"accuracy.{part}"], count, t)))
    for group, count in _counts(metrics, "negatives."):
        sentences.append(t("figures.negatives", group=group, **_share(metrics[f"refused_share.{group}"], count, t)))
    return [*sentences, t("figures.intervals")]


def _counts(metrics: Mapping[str, float], prefix: str) -> list[tuple[str, float]]:
    """Returns the names after this prefix, with their numbers of pictures, in alphabetical order."""
    return sorted((name.removeprefix(prefix), count) for name, count in metrics.items() if name.startswith(prefix))


def _share(share: float, count: float, t: Catalog) -> dict[str, object]:
    low, high = wilson_interval(share * count, count)
    return {"count": int(count), "percent": t.percent(share), "low": t.percent(low), "high": t.percent(high)}
