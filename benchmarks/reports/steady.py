"""Writes the part of the results page on long mixed load, and its chart. benchmarks.reports calls it."""

import json

from benchmarks.reports import charts
from benchmarks.reports.tables import at_most, row, table, target
from benchmarks.steady import OUTPUT, change

MAX_GROWTH = 1.05
"""Largest memory at the end, as a multiple of the memory after warm-up."""
LONG_SECONDS = 1800
LONG = f"./benchmarks/run.sh steady {LONG_SECONDS} 50"
CHART = OUTPUT.with_suffix(".svg")


def steady() -> str:
    """Describes the results in steady.json and draws the chart."""
    found = json.loads(OUTPUT.read_text())
    names = list(found["samples"][0]["services"])
    places = [sample["second"] / 60 for sample in found["samples"]]
    groups = {name: (places, [sample["services"][name]["own_mib"] for sample in found["samples"]]) for name in names}
    charts.lines("Unshared memory of each service, MiB", "minutes", "", groups, CHART, mark="")
    changes = {name: {key: change(found, name, key) for key in ("own_mib", "files", "threads")} for name in names}
    targets = [
        at_most(f"{name}: memory at the end / after warm-up", of["own_mib"][1] / of["own_mib"][0], MAX_GROWTH)
        for name, of in changes.items()
    ]
    seen, errors = found["swaps_seen"], found["errors"]
    targets.append(target("versions that went live", str(found["swaps"]), seen, seen == found["swaps"]))
    targets.append(target("wrong answers", "0", errors, errors == 0))
    states = [
        row(name, *(f"{first:.0f} to {last:.0f} (± {noise:.1f})" for first, last, noise in of.values()))
        for name, of in changes.items()
    ]
    requests = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in found["sent"].items())
    about = found["about"]
    longer = "" if found["seconds"] >= LONG_SECONDS else f"Only `{LONG}` can show whether memory keeps growing.\n"
    return f"""## Long mixed load

![Memory over time](steady.svg)

`./benchmarks/run.sh steady {found["seconds"]:g} {found["swaps"]}`, started {about["begun"]} at revision
{about["revision"]}: {found["seconds"]:g} s with {found["swaps"]} versions going live.
Requests: {requests}. They contain photos of all sizes, and half of them ask for evidence. The lower quartiles of the
second fifth of the time (after warm-up) and of the last fifth are compared. Quartiles ignore the short times around
each swap in which two models are in memory. The figure after ± is the median deviation after warm-up.
Memory is what a process shares with no other process.
{longer}
{table(["", "target", "measured", "met"], targets)}

{table(["service", "unshared memory, MiB", "open files", "threads"], states)}"""
