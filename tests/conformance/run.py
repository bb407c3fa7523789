"""Runs all checks against a server."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.conformance import binary, rest, rpc
from tests.conformance.target import CHECKS, Check, Skipped, Target

MODULES = (rest, binary, rpc)
"""Importing these adds their checks."""


class Outcome(NamedTuple):
    """What became of a check."""

    check: Check
    failure: str = ""
    """What is wrong; empty if nothing is."""

    skipped: str = ""
    """Why it did not run."""


def outcomes(target: Target) -> Iterator[Outcome]:
    """Runs the checks one after the other. A check that the server breaks in an unforeseen way has failed."""
    for each in CHECKS:
        try:
            each(target)
        except Skipped as why:
            yield Outcome(each, skipped=str(why))
        except Exception as error:
            yield Outcome(each, failure=str(error).partition("\n")[0] or type(error).__name__)
        else:
            yield Outcome(each)
