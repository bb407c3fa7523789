"""Lets clients of other servers ask a running system: python -m tests.nightly.clients.

It ends with status 1 if one of them fails. tests/e2e does the same with tritonclient alone, which is quick to install.
"""

import sys

from tests.conformance.clients import SCRIPTS, run_client
from tests.nightly.system import BASE, empty_folder, nightly_system, say
from tests.support.repository import ROOT


def main() -> int:
    """Returns the exit status."""
    failures = 0
    with empty_folder() as home, nightly_system(home) as system:
        system.wait_ready()
        for package in SCRIPTS:
            done = run_client(package, system, "fruit-classifier", ROOT / "examples" / "banana.jpg", "banana")
            say(f"{package}: {'failed' if done.returncode else 'all is well'}", done.stdout + done.stderr)
            failures += bool(done.returncode)
    say(f"{failures} clients failed; the logs are in {BASE / 'logs'}." if failures else "Nothing is wrong.")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
