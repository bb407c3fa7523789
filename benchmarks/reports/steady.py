"""The part on long mixed load of the results' page, and its chart; called by benchmarks.reports."""

import json

from benchmarks.reports import charts
from benchmarks.reports.tables import at_most, held, row, table
from benchmarks.steady import OUTPUT, change

MOST_GROWTH = 1.05
LONG_SECONDS = 1800
LONG = f"./benchmarks/run.sh steady {LONG_SECONDS} 50"
CHART = OUTPUT.with_suffix(".svg")


def steady() -> str:
    """What is in steady.json."""
    found = json.loads(OUTPUT.read_text())
    names = list(found["samples"][0]["services"])
    places = [sample["second"] / 60 for sample in found["samples"]]
    groups = {name: (places, [sample["services"][name]["own_mib"] for sample in found["samples"]]) for name in names}
    charts.lines("Memory of each service's own, MiB", "minutes", "", groups, CHART, mark="")
    changes = {name: {key: change(found, name, key) for key in ("own_mib", "files", "threads")} for name in names}
    targets = [
        at_most(f"{name}: memory at the end / after warm-up", of["own_mib"][1] / of["own_mib"][0], MOST_GROWTH)
        for name, of in changes.items()
    ]
    seen, errors = found["swaps_seen"], found["errors"]
    targets.append(held("versions seen going live", str(found["swaps"]), seen, seen == found["swaps"]))
    targets.append(held("unexpected answers", "0", errors, errors == 0))
    states = [
        row(name, *(f"{first:.0f} to {last:.0f} (± {noise:.1f})" for first, last, noise in of.values()))
        for name, of in changes.items()
    ]
    requests = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in found["sent"].items())
    about = found["about"]
    longer = "" if found["seconds"] >= LONG_SECONDS else f"Whether memory goes on growing only `{LONG}` can tell.\n"
    return f"""## Long mixed load

![Memory over time](steady.svg)

{found["seconds"]:g} s with {found["swaps"]} versions going live, begun {about["begun"]} at revision
{about["revision"]}: `./benchmarks/run.sh steady {found["seconds"]:g} {found["swaps"]}`.
Requests: {requests}; photos of all sizes, with evidence and without. The second fifth of the time, after warm-up, is
compared with the last one: lower quartiles, since a swap holds two models for a
while, and beside them how far a sample after warm-up typically lies from its quartile.
Memory is what a process shares with no other.
{longer}
{table(["", "target", "measured", "held"], targets)}

{table(["service", "own memory, MiB", "open files", "threads"], states)}"""
