#!/usr/bin/env bash
# Runs a command of the trainer in an environment, once, and shows what it writes.
#   AWS_REGION=eu-west-3 scripts/trainer.sh dev train [--data NAME] [options of `trainer train`]
#   AWS_REGION=eu-west-3 scripts/trainer.sh dev promote 3 | rollback | import-release
# NAME is a folder under datasets/ in the environment's bucket; without it, the one that the environment names.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ $# -ge 2 ] || die "Name environment and command: scripts/trainer.sh dev train, or promote 3, rollback, import-release."
name=$1 command=$2
shift 2

as_json() { jq -cn '$ARGS.positional' --args -- "$@"; }

train() {
    local dataset source
    dataset=$(output one_off_tasks .dataset)
    if [ "${1:-}" = --data ]; then
        [ $# -ge 2 ] || die "--data needs the name of a folder under $(output datasets_uri)/."
        dataset=$2
        shift 2
    fi
    source=$(output datasets_uri)/$dataset
    [ -n "$(aws s3 ls "$source/" | head -n 1)" ] ||
        die "There is nothing under $source/. Upload it: aws s3 sync FOLDER $source/"
    run_task trainer "$(jq -cn \
        --argjson fetch "$(as_json artifacts download --artifact-uri "$source" --dst-path /data)" \
        --argjson train "$(as_json train --data "/data/$dataset" "$@")" \
        '{containerOverrides: [{name: "data", command: $fetch}, {name: "trainer", command: $train}]}')"
}

use_environment "$name"
case $command in
    train) train "$@" ;;
    promote | rollback | import-release)
        run_task registrar "$(jq -cn --argjson command "$(as_json "$command" "$@")" \
            '{containerOverrides: [{name: "registrar", command: $command}]}')"
        ;;
    *) die "No such command: $command. There are train, promote, rollback and import-release." ;;
esac
