#!/usr/bin/env bash
# Pins every package of every program, with hashes, from the groups in pyproject.toml into requirements/.
# Run it after a change of a group; give "--upgrade" to move all pins. Needs uv.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() {
    local group=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate "$@" \
        --group "$group" --output-file "requirements/$group.txt"
}
lock test "$@" # holds every program's packages: what it pins is what all others take
for group in uv serving stubs web preprocess inference registrar trainer; do
    lock "$group" --constraint requirements/test.txt "$@"
done
lock mlflow-server --constraint requirements/test.txt --excludes requirements/mlflow-server.excludes "$@"
