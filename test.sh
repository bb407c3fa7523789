#!/usr/bin/env bash
# Sets up and runs every test that this machine allows, the quick ones first, and says what it skipped.
#   ./test.sh              everything
#   ./test.sh tests/unit   what you name (arguments go to pytest)
#   ./test.sh --coverage   everything, with the coverage; it takes half as long again
#   ./test.sh --nightly bulk, and likewise chaos, clients and fuzz
#                          what takes too long for every change; see CONTRIBUTING.md
# Tests that want real photographs take the folder that VERGER_DATA names; CONTRIBUTING.md says what must be in it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. scripts/environment.sh

load_settings
make_environment test
bin=$VERGER_HOME/env/test/bin

if [ "${1:-}" = --nightly ]; then
    exec "$bin/python" -m "tests.nightly.${2:?"usage: ./test.sh --nightly bulk|chaos|clients|fuzz [...]"}" "${@:3}"
fi

# A browser of the machine's own comes first, then the one that playwright fetches for itself.
if ! command -v chromium chromium-browser google-chrome >/dev/null; then
    "$bin/playwright" install chromium >/dev/null 2>&1 || say "No Chromium here, and none can be fetched: the page is not tested."
fi

scripts/check.sh
say "" "== pytest"
# Containers and servers are mostly waited for: four processes keep two cores busy. What takes longest begins first; the
# fourth process has the quick tests meanwhile.
coverage=
[ "${1:-}" != --coverage ] || { coverage="--cov --cov-report=term" && shift; }
# shellcheck disable=SC2086  # several arguments or none
[ $# -gt 0 ] || set -- --numprocesses 4 --no-loadscope-reorder \
    tests/e2e tests/compose tests/attacks tests/terraform tests/page tests/docs tests/unit tests/integration $coverage
exec "$bin/python" -m pytest -rs --durations=10 "$@"
