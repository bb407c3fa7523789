"""Runs from the command line.

python -m tests.nightly.fuzz [--pictures 30000] [--requests 10000] [--messages 10000] [--seed 1]

It starts a system, sends everything to it, prints figures as tables, and ends with status 1 if anything is wrong. The
same seed sends the same pictures and messages; "picture 17" of a finding is mutated(17, seed) in mutations.py.
"""

import argparse
import sys

from tests.nightly.fuzz.run import fuzz
from tests.nightly.system import BASE, empty_folder, nightly_system, say


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.nightly.fuzz", description="Fuzzes a running system")
    parser.add_argument("--pictures", type=int, default=30_000)
    parser.add_argument("--requests", type=int, default=10_000, help="over REST, by schemathesis (about)")
    parser.add_argument("--messages", type=int, default=10_000, help="over gRPC, and as many over HTTP")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with empty_folder() as home, nightly_system(home) as system:
        findings = fuzz(system, options.pictures, options.requests, options.messages, options.seed)
    for finding in findings:
        say(finding)
    say("", f"{len(findings)} findings; the logs are in {BASE / 'logs'}." if findings else "Nothing is wrong.")
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
