#!/usr/bin/env bash
# Pins all packages of each dependency group in pyproject.toml, with hashes, in requirements/. Needs uv.
# Run it after each change of a group. With --upgrade, it updates all packages.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() {
    local group=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate "$@" \
        --group "$group" --output-file "requirements/$group.txt"
}
lock test "$@" # contains the packages of all programs, so the other groups take their versions from it
for group in uv sbom serving stubs web preprocess collection inference registrar trainer bulk bulk-ray; do
    lock "$group" --constraint requirements/test.txt "$@"
done
lock mlflow-server --constraint requirements/test.txt --excludes requirements/mlflow-server.excludes "$@"
