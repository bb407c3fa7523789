#!/usr/bin/env bash
# Runs every check that executes no code of Verger: format, lint, types, import directions, the rules of the API, shell scripts.
# ./test.sh and pre-commit run it. It needs the environment "test", which it makes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/environment.sh

load_settings
make_environment test
bin=$VERGER_HOME/env/test/bin

step() { say "" "== $1"; shift; "$@" || die "This check found something; the lines above say what. See CONTRIBUTING.md."; }

# Descriptors of the API, with the files of google.rpc that it imports: buf would fetch those from its own registry.
describe_api() {
    local packages
    packages=$("$bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
    "$bin/python" -m grpc_tools.protoc -I protos -I "$packages" --include_imports --include_source_info \
        --descriptor_set_out="$1" protos/verger/*/*.proto
}

check_api() {
    local descriptors=$VERGER_HOME/api.binpb
    describe_api "$descriptors"
    "$bin/buf" lint "$descriptors" --config protos/buf.yaml
    "$bin/buf" breaking "$descriptors" --config protos/buf.yaml --against protos/released.binpb
}

check_shell_scripts() {
    # Sourced files have no first line of their own; the scripts that source them check them, too.
    git ls-files -z '*.sh' .ci/run | xargs -0 grep -lZ '^#!' | xargs -0 shellcheck
}

step "format: ruff format" "$bin/ruff" format --check .
step "lint: ruff check" "$bin/ruff" check .
step "types: mypy" "$bin/mypy"
step "import directions: lint-imports" "$bin/lint-imports" --no-cache
step "rules of the API: buf" check_api
if command -v shellcheck >/dev/null; then
    step "shell scripts: shellcheck" check_shell_scripts
else
    say "" "No shellcheck here: the shell scripts are not checked."
fi
