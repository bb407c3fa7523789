"""The page of benchmarks.training_speed."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any


def page(results: Mapping[str, Any]) -> str:
    """Returns the results as a page in Markdown, with medians over the rounds."""
    about, ours, rounds = results["about"], results["sides"]["Verger"], len(results["fine_tuning"])
    first = ours[0]
    afterwards = [run["afterwards"] for run in ours]
    sides = [
        f"| {name} | {median_of(runs, 'seconds'):.0f} ({spread(runs)}) | {ratio(runs, ours, 'seconds'):.1f} | "
        f"{median_of(runs, 'cpu_seconds'):.0f} | {ratio(runs, ours, 'cpu_seconds'):.1f} | "
        f"{median_of(runs, 'accuracy'):.1%} | {median_of(runs, 'peak_mib'):.0f} |"
        for name, runs in results["sides"].items()
    ]
    sizes = [
        f"| {row['views']:,} | {row['seconds']:.0f} | {1e3 * row['cpu_seconds'] / row['views']:.1f} | "
        f"{row['peak_mib']} |"
        for row in results["sizes"]
    ]
    tuned = {name: median_of(results["fine_tuning"], name) / 60 for name in ("seconds", "cpu_seconds")}
    lines = [
        "# Training",
        "",
        f"`python -m benchmarks.training_speed DIR`, started {about['begun']} on {about['cores']} cores",
        f"({about['processor']}, {'with' if about['vnni'] else 'without'} VNNI) with Python {about['python']}, Keras "
        f"{about['keras']} and TensorFlow {about['tensorflow']}.",
        "Its docstring says what is compared.",
        "",
        "## Against plain Keras",
        "",
        f"{about['epochs']} epochs, {first['views']:,} views. Medians of {rounds} rounds by turns; in brackets the "
        "least and the",
        f"most. The accuracy is that on {first['tested']} test pictures. The machine did other work, too (load before: "
        f"{about['load_before'][0]:.1f}).",
        "",
        "| | seconds | relative to Verger | processor seconds | relative to Verger | accuracy | peak MiB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        *sides,
        "",
        f"Exporting the version, quantising it and testing it takes Verger {median_of(afterwards, 'seconds'):.0f} s "
        f"more ({median_of(afterwards, 'cpu_seconds'):.0f} s of",
        "processor time), which leaves a version that can be served.",
        "",
        "## All layers",
        "",
        f"`--fine-tune` takes {tuned['seconds']:.0f} minutes for 1,000 pictures ({tuned['cpu_seconds']:.0f} minutes of "
        "processor time), foretold from two",
        f"epochs of {results['fine_tuning'][0]['pictures']} pictures at each size of its views, medians of {rounds}.",
    ]
    if sizes:
        lines += [
            "",
            "## By the size of the data set",
            "",
            "One epoch of Verger on the same pictures, repeated as often as needed.",
            "",
            "| pictures | seconds | processor ms per picture | peak memory, MiB |",
            "| ---: | ---: | ---: | ---: |",
            *sizes,
        ]
    return "\n".join(lines) + "\n"


def median_of(runs: Sequence[Mapping[str, float]], name: str) -> float:
    """Returns the median of a figure over the rounds."""
    return float(median(run[name] for run in runs))


def ratio(runs: Sequence[Mapping[str, float]], ours: Sequence[Mapping[str, float]], name: str) -> float:
    """Returns the median of a figure relative to Verger's in the same round."""
    return float(median(run[name] / own[name] for run, own in zip(runs, ours, strict=True)))


def spread(runs: Sequence[Mapping[str, float]]) -> str:
    """Returns the least and the most seconds of all rounds."""
    seconds = [run["seconds"] for run in runs]
    return f"{min(seconds):.0f} to {max(seconds):.0f}"
