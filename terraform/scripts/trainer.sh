#!/usr/bin/env bash
# Runs a command of the trainer in an environment and shows its log.
#   AWS_REGION=eu-west-3 scripts/trainer.sh dev train [--data NAME] [options of `trainer train`]
#   AWS_REGION=eu-west-3 scripts/trainer.sh dev list | promote 3 | rollback | import-release
# NAME is a folder under datasets/ in the bucket of the environment. The default is the data set of the environment.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ $# -ge 2 ] || die "Give an environment and a command: scripts/trainer.sh dev train, or list, promote 3, rollback, import-release."
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
        die "There are no files under $source/. Upload the data set: aws s3 sync FOLDER $source/"
    run_task trainer "$(jq -cn \
        --argjson fetch "$(as_json artifacts download --artifact-uri "$source" --dst-path /data)" \
        --argjson train "$(as_json train --data "/data/$dataset" "$@")" \
        '{containerOverrides: [{name: "data", command: $fetch}, {name: "trainer", command: $train}]}')"
}

use_environment "$name"
case $command in
    train) train "$@" ;;
    list | promote | rollback | import-release)
        run_task registrar "$(jq -cn --argjson command "$(as_json "$command" "$@")" \
            '{containerOverrides: [{name: "registrar", command: $command}]}')"
        ;;
    *) die "The command $command does not exist. Use train, list, promote, rollback or import-release." ;;
esac
