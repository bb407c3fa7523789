#!/usr/bin/env bash
# Measures Verger beside what else a user could pick: ./benchmarks/run.sh [ROUNDS] [SECONDS], by default 3 rounds, 5 s a cell.
# Needs Linux, wrk (Debian: apt install wrk) and a way to a Python package index. Writes docs/benchmarks/.
# Everything it installs and starts lies under .verger/benchmarks (or $VERGER_HOME/benchmarks).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/environment.sh

load_settings
export VERGER_HOME=$VERGER_HOME/benchmarks
export BENCHMARK_HOME=$VERGER_HOME
mkdir -p "$VERGER_HOME/env"
command -v wrk >/dev/null || die "wrk is needed, the load generator (Debian: apt install wrk)."
make_environment serving

# environment NAME FILE: a virtual environment with the packages that FILE pins, if it is not there yet.
environment() {
    local folder=$VERGER_HOME/env/$1
    cmp -s "$2" "$folder/requirements.txt" && return
    say "Setting up the environment \"$1\" (once) ..."
    "$(find_python)" -m venv --clear "$folder"
    UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$("$folder/bin/python" -m pip config get global.index-url 2>/dev/null || true)} \
        "$VERGER_HOME/env/serving/bin/uv" pip install --quiet --python "$folder/bin/python" -r "$2"
    cp "$2" "$folder/requirements.txt"
}

for folder in benchmarks/contenders/*/; do
    [ ! -f "$folder/requirements.txt" ] || environment "$(basename "$folder")" "$folder/requirements.txt"
done
environment harness benchmarks/requirements.txt
"$VERGER_HOME/env/serving/bin/uv" pip install --quiet --python "$VERGER_HOME/env/harness/bin/python" --no-deps ./protos
python=$VERGER_HOME/env/harness/bin/python
"$python" -m benchmarks.compare "${1:-3}" "${2:-5}"
"$python" -m benchmarks.cost 5
"$python" -m benchmarks.behaviour 60 12
"$python" -m benchmarks.report
