"""Sends everything to a running system, and compares it with what it was before."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.nightly.fuzz.messages import send_messages
from tests.nightly.fuzz.open_inference import send_open_inference
from tests.nightly.fuzz.pictures import send_pictures, slowest_light_photo
from tests.nightly.fuzz.rest import send_requests
from tests.nightly.system import say
from tests.support.attacks.pictures import BOMBS
from tests.support.systems.launched import Launched
from tests.support.systems.logs import NewLines
from tests.support.systems.processes import SERVICES, memory_bytes, open_files, roots
from tests.support.systems.uploads import PHOTO

MAX_WARM_UP_PICTURES = 500
"""Are sent before memory is looked at for the first time, so that all decoders are loaded."""

MAX_GROWTH_MIB = 250
"""Each of the two processes for heavy photos keeps 60 to 180 MiB of what it has freed. That goes up and down: after
2,500 pictures and after 30,000 it is the same."""
MAX_MORE_FILES = 30

T = TypeVar("T")


def fuzz(system: Launched, pictures: int, requests: int, messages: int, seed: int) -> list[str]:
    """Sends everything, prints figures, and returns what is wrong."""
    logs, before = NewLines(system), system.answer(PHOTO)
    send_pictures(system, range(-min(pictures, MAX_WARM_UP_PICTURES), 0), seed)
    system.answer(BOMBS["TIFF"]())  # starts the processes that decode heavy photos
    pids, memory, files = roots(system), _memory(system), _files(system)
    say("| what was sent | seconds | outcomes |", "| --- | --- | --- |")
    run = _timed("pictures", lambda: send_pictures(system, range(pictures), seed), lambda run: run.outcomes)
    light = slowest_light_photo(system, run, seed)
    rest = _timed("REST", lambda: send_requests(system, requests, seed), lambda run: run.statuses)
    calls = _timed("gRPC", lambda: send_messages(system, messages, seed), lambda run: run.codes)
    posts = _timed("Open Inference", lambda: send_open_inference(system, messages, seed), lambda run: run.statuses)
    findings = run.findings + rest.findings + calls.findings + posts.findings
    grown, more = _memory(system), _files(system)
    say("", "| service | MiB before | MiB after | files before | files after |", "| --- | --- | --- | --- | --- |")
    for name in SERVICES:
        say(f"| {name} | {memory[name]} | {grown[name]} | {files[name]} | {more[name]} |")
        if grown[name] > memory[name] + MAX_GROWTH_MIB or more[name] > files[name] + MAX_MORE_FILES:
            findings.append(f"{name} keeps memory or files")
    if light:
        say("", f"Slowest light photo: picture {light.number} ({light.format}), {light.seconds * 1e3:.0f} ms.")
    if roots(system) != pids:
        findings.append("a service has ended")
    if system.answer(PHOTO) != before:
        findings.append("a photo is answered differently than before")
    return findings + _wrong_entries(logs)


def _timed(what: str, send: Callable[[], T], outcomes: Callable[[T], Counter[str]]) -> T:
    begun = time.monotonic()
    run = send()
    counts = outcomes(run)
    told = ", ".join(f"{outcome}: {count:,}" for outcome, count in counts.most_common())
    say(f"| {counts.total():,} {what} | {time.monotonic() - begun:.0f} | {told} |")
    return run


def _memory(system: Launched) -> dict[str, int]:
    return {name: size >> 20 for name, size in memory_bytes(roots(system)).items()}


def _files(system: Launched) -> dict[str, int]:
    return {name: open_files(pid) for name, pid in roots(system).items()}


def _wrong_entries(logs: NewLines) -> Sequence[str]:
    try:
        entries = logs.entries()
    except AssertionError as error:
        return [f"in a log: {error}"]
    return [f"a traceback in a log: {str(entry)[:2000]}" for entry in entries if "exception" in entry]
