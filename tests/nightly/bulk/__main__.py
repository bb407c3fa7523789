"""Runs from the command line.

python -m tests.nightly.bulk [--kills 20] [PYTEST ARGUMENT ...]

It kills a run at 20 random moments and lets it go on, and runs the tests with Ray, which has an environment of its own
in BASE/env. It needs Linux.
"""

import argparse
import os
import sys

import pytest

TESTS = (
    "tests/integration/bulk/test_resume.py::"
    "test_a_run_that_is_killed_at_any_moment_and_started_again_gives_the_same_bytes",
    "tests/nightly/bulk/test_ray.py",
)


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.nightly.bulk", description="Kills bulk classification")
    parser.add_argument("--kills", type=int, default=20)
    options, others = parser.parse_known_args()
    os.environ["BULK_KILLS"] = str(options.kills)
    return pytest.main(["-v", "--timeout", "3600", "-p", "no:cacheprovider", *TESTS, *others])


if __name__ == "__main__":
    sys.exit(main())
