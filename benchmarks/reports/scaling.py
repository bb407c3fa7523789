"""The page and the charts of docs/benchmarks/scaling.json; called by benchmarks.reports."""

import json
from typing import Any

from benchmarks.behaviour import rate_of
from benchmarks.reports import charts
from benchmarks.reports.tables import row, table
from benchmarks.scaling import CALLERS, DOORS, OUTPUT

PAGE = OUTPUT.with_suffix(".md")
Rows = list[dict[str, Any]]


def write() -> None:
    """Writes scaling.md and its charts."""
    found = json.loads(OUTPUT.read_text())
    parts = [
        head(found["about"]),
        cores(found["sizes"]),
        sizes(found["sizes"]),
        classes(found["classes"]),
        replicas(found["replicas"], found["about"]["forward_seconds"]),
    ]
    PAGE.write_text("\n\n".join(parts) + "\n")


def head(about: dict[str, Any]) -> str:
    """What was measured, when and where."""
    return f"""# As work grows

Begun {about["begun"]} at revision {about["revision"]}, on {about["cores"]} cores ({about["processor"]}):
`python -m benchmarks.scaling {about["seconds"]:g}`, {about["seconds"]:g} s a point, load average before
{about["load_before"][0]:.1f}. Photos of 500x333, {CALLERS} at a time, over gRPC where nothing else is said; the load
generators (wrk, h2load) run on the same cores."""


def section(title: str, chart: str, text: str, figures: str) -> str:
    """A chart, the paragraph that says what it shows, and the figures behind it."""
    return f"## {title}\n\n![{title}]({chart})\n\n{text}\n\n{figures}"


def chart_of(name: str) -> Any:
    """Where a chart lies."""
    return OUTPUT.with_name(f"scaling-{name}.svg")


def cores(found: Rows) -> str:
    """Photos a second by cores."""
    rates = {
        door: {one["cores"]: rate_of(one) for one in found if one["door"] == door and one["photo"] == "500x333"}
        for door in DOORS
    }
    counts = list(rates[DOORS[0]])
    groups = {door: list(by_count.values()) for door, by_count in rates.items()}
    path = chart_of("cores")
    charts.bars("Photos per second", "cores", "", groups, [str(count) for count in counts], path)
    gains = " and ".join(f"{by[counts[-1]] / by[counts[0]]:.2f} times ({door})" for door, by in rates.items())
    text = (
        f"All of Verger's processes held on one core by CPU affinity, then on {counts[-1]}; decoding and forward "
        f"passes use as many threads as there are cores. {counts[-1]} cores answer {gains} as many photos as one."
    )
    rows = [row(door, *(f"{rate:.1f}" for rate in by.values())) for door, by in rates.items()]
    names = [f"{count} core{'s' if count > 1 else ''}" for count in counts]
    return section("Cores", path.name, text, table(["photos/s", *names], rows))


def sizes(found: Rows) -> str:
    """Photos a second by their size."""
    most = max(one["cores"] for one in found)
    by_door = {door: [one for one in found if one["door"] == door and one["cores"] == most] for door in DOORS}
    groups = {
        door: ([one["megapixels"] for one in some], [rate_of(one) for one in some]) for door, some in by_door.items()
    }
    path = chart_of("sizes")
    charts.lines("Photos per second", "megapixels", "", groups, path, scale="log")
    some = by_door["Verger gRPC"]
    first, last = some[0], some[-1]
    text = (
        f"On {most} cores. From {first['photo']} to {last['photo']} a photo has "
        f"{last['megapixels'] / first['megapixels']:.0f} times the pixels and takes "
        f"{rate_of(first) / rate_of(last):.1f} times as long over gRPC: the forward pass costs the same for all, and "
        "JPEGs are decoded at a reduced scale where they are large."
    )
    rows = [
        row(one["photo"], one["megapixels"], *(f"{rate_of(by_door[door][place]):.1f}" for door in DOORS))
        for place, one in enumerate(some)
    ]
    return section("Size of a photo", path.name, text, table(["photo", "megapixels", *DOORS], rows))


def classes(found: Rows) -> str:
    """Photos a second by the number of classes."""
    rates = [rate_of(one) for one in found]
    path = chart_of("classes")
    names = [f"{one['classes']:,}" for one in found]
    charts.bars("Photos per second", "classes", "", {"Verger gRPC": rates}, names, path)
    text = (
        "The released backbone with random last layers; every answer names all classes with their probabilities, best "
        f"first. With {names[1]} classes Verger answers {rates[1] / rates[0]:.0%} of the photos per second that it "
        f"does with {names[0]}, with {names[-1]} {rates[-1] / rates[0]:.0%}."
    )
    rows = [
        row(name, f"{rate:.1f}", f"{one['p50_ms']:.1f}", f"{one['p99_ms']:.1f}")
        for name, rate, one in zip(names, rates, found, strict=True)
    ]
    return section("Number of classes", path.name, text, table(["classes", "photos/s", "p50 ms", "p99 ms"], rows))


def replicas(found: Rows, forward_seconds: float) -> str:
    """Photos a second by replicas of inference, and each one's share."""
    rates = [rate_of(one) for one in found]
    shares = [[passes / sum(one["passes"]) for passes in one["passes"]] for one in found]
    path = chart_of("replicas")
    names = [str(one["replicas"]) for one in found]
    charts.bars("Photos per second", "replicas of inference", "", {"Verger gRPC": rates}, names, path)
    text = (
        f"Several inference services behind one name, {4 * CALLERS} photos at a time. Their forward pass is a stand-in "
        f"that sleeps {1000 * forward_seconds:.0f} ms instead of computing, so that the cores are enough for all of "
        f"them: this shows the balancing, not the speed of a model. {names[-1]} replicas answer "
        f"{rates[-1] / rates[0]:.2f} times as many photos as one; of these the least busy one had "
        f"{min(shares[-1]):.1%} and the busiest {max(shares[-1]):.1%} of the calls."
    )
    rows = [
        row(name, f"{rate:.1f}", f"{rate / rates[0]:.2f}", " ".join(f"{share:.1%}" for share in some))
        for name, rate, some in zip(names, rates, shares, strict=True)
    ]
    figures = table(["replicas", "photos/s", "times one replica's", "share of each"], rows)
    return section("Replicas", path.name, text, figures)
