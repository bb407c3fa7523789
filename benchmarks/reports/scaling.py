"""Writes the page and the charts for docs/benchmarks/scaling.json. benchmarks.reports calls it."""

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
    """Says what was measured, when and where."""
    return f"""# Scaling

`./benchmarks/run.sh scaling {about["seconds"]:g}`, started {about["begun"]} at revision {about["revision"]}, on
{about["cores"]} cores ({about["processor"]}). Each point took {about["seconds"]:g} s.
The load average before the run was {about["load_before"][0]:.1f}. Unless a section says otherwise, {CALLERS} callers
send photos of 500x333 over gRPC. The load generators (wrk, h2load) run on the same cores."""


def section(title: str, chart: str, text: str, figures: str) -> str:
    """Returns a section with a chart, a paragraph and the figures."""
    return f"## {title}\n\n![{title}]({chart})\n\n{text}\n\n{figures}"


def chart_of(name: str) -> Any:
    """Returns the path of a chart."""
    return OUTPUT.with_name(f"scaling-{name}.svg")


def cores(found: Rows) -> str:
    """Shows photos per second by number of cores."""
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
        f"CPU affinity limits all processes of Verger to one core, then to {counts[-1]}. Decoding and forward passes "
        f"use as many threads as there are cores. {counts[-1]} cores answer {gains} as many photos as one core."
    )
    rows = [row(door, *(f"{rate:.1f}" for rate in by.values())) for door, by in rates.items()]
    names = [f"{count} core{'s' if count > 1 else ''}" for count in counts]
    return section("Cores", path.name, text, table(["photos/s", *names], rows))


def sizes(found: Rows) -> str:
    """Shows photos per second by photo size."""
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
        f"Measured on {most} cores. A photo of {last['photo']} has {last['megapixels'] / first['megapixels']:.0f} "
        f"times the pixels of one of {first['photo']} and takes {rate_of(first) / rate_of(last):.1f} times as long "
        "over gRPC. The forward pass takes the same time for all sizes, and large JPEGs are decoded at a reduced scale."
    )
    rows = [
        row(one["photo"], one["megapixels"], *(f"{rate_of(by_door[door][place]):.1f}" for door in DOORS))
        for place, one in enumerate(some)
    ]
    return section("Size of a photo", path.name, text, table(["photo", "megapixels", *DOORS], rows))


def classes(found: Rows) -> str:
    """Shows photos per second by number of classes."""
    rates = [rate_of(one) for one in found]
    path = chart_of("classes")
    names = [f"{one['classes']:,}" for one in found]
    charts.bars("Photos per second", "classes", "", {"Verger gRPC": rates}, names, path)
    text = (
        "The models have the released backbone and random last layers. Every answer contains all classes with their "
        f"probabilities. The throughput with {names[1]} classes is {rates[1] / rates[0]:.0%} of the throughput with "
        f"{names[0]} classes; with {names[-1]} classes it is {rates[-1] / rates[0]:.0%}."
    )
    rows = [
        row(name, f"{rate:.1f}", f"{one['p50_ms']:.1f}", f"{one['p99_ms']:.1f}")
        for name, rate, one in zip(names, rates, found, strict=True)
    ]
    return section("Number of classes", path.name, text, table(["classes", "photos/s", "p50 ms", "p99 ms"], rows))


def replicas(found: Rows, forward_seconds: float) -> str:
    """Shows photos per second by replicas of inference, and the share of each replica."""
    rates = [rate_of(one) for one in found]
    shares = [[passes / sum(one["passes"]) for passes in one["passes"]] for one in found]
    path = chart_of("replicas")
    names = [str(one["replicas"]) for one in found]
    charts.bars("Photos per second", "replicas of inference", "", {"Verger gRPC": rates}, names, path)
    text = (
        f"Several inference services have one name, and {4 * CALLERS} callers send photos. The forward pass of these "
        f"services sleeps {1000 * forward_seconds:.0f} ms instead of computing, so that the cores are enough for all "
        f"replicas: this measures balancing, not the speed of a model. {names[-1]} replicas answer "
        f"{rates[-1] / rates[0]:.2f} times as many photos as one. The least busy of them got {min(shares[-1]):.1%} of "
        f"the calls, the busiest {max(shares[-1]):.1%}."
    )
    rows = [
        row(name, f"{rate:.1f}", f"{rate / rates[0]:.2f}", " ".join(f"{share:.1%}" for share in some))
        for name, rate, some in zip(names, rates, shares, strict=True)
    ]
    figures = table(["replicas", "photos/s", "relative to one replica", "share of each"], rows)
    return section("Replicas", path.name, text, figures)
