#!/usr/bin/env bash
# Compares Verger with its alternatives and writes the results to docs/benchmarks/.
#
#   ./benchmarks/run.sh [ROUNDS] [SECONDS]        runs all parts (default: 2 rounds, 2 s per cell; about 25 minutes)
#   ./benchmarks/run.sh bulk [ROUNDS] [PHOTOS]    classifies folders of photos (about 30 minutes)
#   ./benchmarks/run.sh PART [ARGUMENT...]        runs one part, for example "steady 1800 50": 30 minutes of mixed load
#
# It needs Linux, wrk and h2load (Debian: apt install wrk nghttp2-client) and access to a Python package index.
# It installs and runs everything under .verger/benchmarks (or $VERGER_HOME/benchmarks).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/environment.sh

load_settings
export VERGER_HOME=$VERGER_HOME/benchmarks
export BENCHMARK_HOME=$VERGER_HOME
mkdir -p "$VERGER_HOME/env"
for tool in wrk h2load; do
    command -v "$tool" >/dev/null || die "The load generator $tool is missing (Debian: apt install wrk nghttp2-client)."
done
make_environment serving

# environment NAME FILE: makes the virtual environment NAME with the packages in FILE, unless it exists.
environment() {
    local folder=$VERGER_HOME/env/$1
    cmp -s "$2" "$folder/requirements.txt" && return
    say "Setting up the environment \"$1\" (once) ..."
    "$(find_python)" -m venv --clear "$folder"
    UV_DEFAULT_INDEX=$(package_index "$folder/bin/python") \
        "$VERGER_HOME/env/serving/bin/uv" pip install --quiet --python "$folder/bin/python" -r "$2"
    cp "$2" "$folder/requirements.txt"
}

for folder in benchmarks/contenders/*/; do
    [ ! -f "$folder/requirements.txt" ] || environment "$(basename "$folder")" "$folder/requirements.txt"
done
environment harness benchmarks/requirements.txt
"$VERGER_HOME/env/serving/bin/uv" pip install --quiet --python "$VERGER_HOME/env/harness/bin/python" --no-deps ./protos
python=$VERGER_HOME/env/harness/bin/python
part() {
    local name=$1
    shift
    "$python" -m "benchmarks.$name" "$@"
}

case ${1:-} in
    bulk)
        make_environment bulk-ray
        part "$@"
        ;;
    compare | cost | behaviour | scaling | steady | reports) part "$@" ;;
    *)
        part compare "${1:-2}" "${2:-2}"
        part cost 3
        part behaviour
        part scaling 3
        part steady 90 6
        part reports
        ;;
esac
