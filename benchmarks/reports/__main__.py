"""Writes pages with tables and charts from the results in docs/benchmarks/: python -m benchmarks.reports"""

import json
from pathlib import Path
from typing import Any

from matplotlib import pyplot

from benchmarks import behaviour, cost
from benchmarks.compare import RESULTS
from benchmarks.load.pictures import SIZES, name_of
from benchmarks.reports import charts
from benchmarks.reports import scaling as scaling_report
from benchmarks.reports.charts import GREEN, GREY
from benchmarks.reports.steady import steady
from benchmarks.reports.tables import at_most, row, table, target

NAMES = [name_of(size) for size in SIZES]
FRAMEWORKS = ("LitServe", "BentoML", "MLServer", "Ray Serve", "MLflow")
Cells = dict[tuple[str, str, int], dict[str, Any]]


def main() -> None:
    """Writes README.md, scaling.md and the charts beside the results."""
    results = json.loads(RESULTS.read_text())
    cells: Cells = {(row["door"], row["photo"], row["concurrency"]): row for row in results["summary"]}
    draw(cells, RESULTS.with_name("throughput.svg"))
    parts = [
        head(results["about"]),
        targets(cells),
        throughput(cells),
        costs(json.loads(cost.OUTPUT.read_text())),
        under_load(json.loads(behaviour.OUTPUT.read_text())),
        steady(),
        servers(results["servers"]),
        details(cells),
    ]
    scaling_report.write()
    RESULTS.with_name("README.md").write_text("\n\n".join(parts) + "\n")


def head(about: dict[str, Any]) -> str:
    """Says what was measured, when, where and how."""
    return f"""# Verger and its alternatives

![Photos per second](throughput.svg)

`./benchmarks/run.sh compare {about["rounds"]} {about["seconds"]:g}`, started {about["begun"]} at revision
{about["revision"]}, on {about["cores"]} cores ({about["processor"]}, {about["memory_gib"]} GiB) with Python
{about["python"]}. {about["rounds_done"]} of {about["rounds"]} rounds are done; each cell took {about["seconds"]:g} s.
The load average of the machine was {about["load_before"][0]:.1f} before the run and {about["load_after"][0]:.1f} after
it; the niceness was {about["niceness"]}.
Figures are medians over the rounds. The load generators run on the same cores: wrk for HTTP, h2load for unary gRPC
calls, and a Python client for gRPC streams, which uses more processor time. [Scaling](scaling.md) shows the effect of
cores, photo size, classes and replicas."""


def ratio(
    cells: Cells, one: str, other: str, photo: str, key: str = "photos_per_second", concurrency: int = 8
) -> float:
    """Returns the figure of one door divided by that of another, or 0 if one of them is missing."""
    first, second = cells.get((one, photo, concurrency)), cells.get((other, photo, concurrency))
    return first[key] / second[key] if first and second and second[key] else 0.0


def targets(cells: Cells) -> str:
    """Compares the ratios with their targets."""
    rows: list[str] = []

    def add(text: str, photo: str, measured: float, bound: float, at_most: bool = False) -> None:
        met = "missing" if not measured else "yes" if (measured <= bound if at_most else measured >= bound) else "no"
        rows.append(row(text, photo, f"{'at most' if at_most else 'at least'} {bound:g}", f"{measured:.2f}", met))

    for photo in NAMES[:2]:
        add("REST / bare limit", photo, ratio(cells, "Verger REST", "bare limit", photo), 0.75)
        add("gRPC / bare limit", photo, ratio(cells, "Verger gRPC", "bare limit", photo), 0.8)
        add("REST / original design", photo, ratio(cells, "Verger REST", "original (Keras)", photo), 10)
        p50 = ratio(cells, "Verger REST", "bare limit", photo, "p50_ms", 1)
        add("REST p50 / bare limit p50, concurrency 1", photo, p50, 1.35, at_most=True)
    for photo, bound in zip(NAMES, (1.0, 1.5, 2.0), strict=True):
        for door in ("REST", "gRPC"):
            ratios = [value for other in FRAMEWORKS if (value := ratio(cells, f"Verger {door}", other, photo))]
            add(f"{door} / best framework (ONNX)", photo, min(ratios, default=0.0), bound)
    return "## Targets\n\nThe concurrency is 8 unless the row says otherwise.\n\n" + table(
        ["ratio", "photo", "target", "measured", "met"], rows
    )


def doors(cells: Cells) -> list[str]:
    """Returns all doors (interfaces) in the order in which they were measured."""
    return list(dict.fromkeys(door for door, _, _ in cells))


def throughput(cells: Cells) -> str:
    """Shows photos per second at concurrency 8, and the processor time per photo."""
    rows = []
    for door in doors(cells):
        found = [cells.get((door, photo, 8)) for photo in NAMES]
        figures = [f"{c['photos_per_second']:.1f} ({c['cpu_ms_per_photo']:.0f} ms)" if c else "-" for c in found]
        rows.append(row(door, *figures))
    return (
        "## Photos per second, concurrency 8\n\nThe processor time of the server per photo is in brackets.\n\n"
        + table(["", *NAMES], rows)
    )


def costs(by_photo: dict[str, dict[str, float]]) -> str:
    """Shows the processor time of Verger by service and kind of thread."""
    kinds = dict.fromkeys(kind for figures in by_photo.values() for kind in figures)
    rows = [row(kind, *(figures.get(kind, 0) for figures in by_photo.values())) for kind in kinds]
    rows.append(row("all", *(round(sum(figures.values()), 1) for figures in by_photo.values())))
    text = "Processor time in ms per photo over REST at concurrency 8. The [profile](profile.md) explains it."
    return f"## Where the time goes\n\n{text}\n\n" + table(["service and kind of thread", *by_photo], rows)


def under_load(found: dict[str, Any]) -> str:
    """Shows Verger under steady load, overload and swaps of the model."""
    calm, peak, flood, swap = (found[part] for part in ("calm", "peak", "flood", "swap"))
    before, after = found["memory_before_flood"]["pss_mib"], found["memory_after_flood"]["pss_mib"]
    speed = behaviour.rate_of(flood) / behaviour.rate_of(peak)
    errors = sum(part["errors"] for part in (calm, peak, flood, swap["quiet"], swap["around"]))
    rows = [
        at_most("p99 / p50 at 70 % of the capacity", calm["p99_ms"] / calm["p50_ms"], 2.5),
        at_most("twice the capacity: p99 of accepted calls / p99 at the peak", flood["p99_ms"] / peak["p99_ms"], 3),
        target("twice the capacity: answered / answered at the peak", "at least 0.9", speed, speed >= 0.9),
        at_most("twice the capacity: memory after / before", after / before, 1.05),
        at_most("2 s later: p99 / p99 before", found["recovered"]["p99_ms"] / calm["p99_ms"], 1.5),
        at_most("p99 with four swaps in 23 s / without", swap["around"]["p99_ms"] / swap["quiet"]["p99_ms"], 1.5),
        target("errors in all of these loads", "0", errors, errors == 0),
    ]
    text = (
        f"Photos of 500x333 over gRPC. The capacity is {found['capacity']:.0f} photos/s with 8 callers; h2load runs on "
        f"the same cores. At twice the capacity, {flood['refused']} calls were refused and {flood['photos']} were "
        "answered. h2load can't tell them apart, so the fastest calls count as refused. The p99 of accepted calls is "
        "therefore an upper bound."
    )
    return f"## Under load\n\n{text}\n\n{table(['', 'target', 'measured', 'met'], rows)}"


def servers(samples: list[dict[str, Any]]) -> str:
    """Shows start-up time and memory in the last round."""
    rows = []
    for name, sample in {sample["name"]: sample for sample in samples}.items():
        if "failed" in sample:
            rows.append(row(name, sample["failed"], "", ""))
        else:
            rows.append(row(name, f"{sample['start_seconds']:.1f}", sample["pss_mib"], sample["rss_mib"]))
    text = "All processes of each system after the load. Those of Verger include MLflow and supervisord."
    return f"## Start and memory\n\n{text}\n\n" + table(["", "seconds to the first answer", "PSS MiB", "RSS MiB"], rows)


def details(cells: Cells) -> str:
    """Shows every cell."""
    keys = ("photos_per_second", "p50_ms", "p90_ms", "p99_ms", "cpu_ms_per_photo", "errors")
    rows = [row(*cell, *(figures[key] for key in keys)) for cell, figures in cells.items()]
    return "## Every cell\n\n" + table(
        ["", "photo", "concurrency", "photos/s", "p50", "p90", "p99", "CPU ms", "errors"], rows
    )


def draw(cells: Cells, path: Path) -> None:
    """Draws horizontal bars with one panel per photo size."""
    names = doors(cells)[::-1]
    figure, panels = pyplot.subplots(1, len(NAMES), figsize=(11, 0.33 * len(names) + 1), sharey=True)
    for panel, photo in zip(panels, NAMES, strict=True):
        values = [cells.get((name, photo, 8), {}).get("photos_per_second", 0) for name in names]
        colours = [GREEN if name.startswith("Verger") else GREY for name in names]
        panel.bar_label(panel.barh(names, values, color=colours), fmt="%.0f", padding=2, color=GREY)
        panel.set_title(photo, color=GREY)
        panel.tick_params(colors=GREY)
        panel.margins(x=0.15)
        panel.spines[:].set_visible(False)
        panel.xaxis.set_visible(False)
    figure.suptitle("Photos per second at concurrency 8", color=GREY)
    figure.tight_layout()
    charts.save(figure, path)


if __name__ == "__main__":
    main()
