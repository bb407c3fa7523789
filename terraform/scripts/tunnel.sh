#!/usr/bin/env bash
# Opens MLflow of an environment on http://localhost:5000, until Ctrl-C. It needs the AWS CLI's plugin for sessions.
#   AWS_REGION=eu-west-3 scripts/tunnel.sh dev
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ $# = 1 ] || die "Give an environment: scripts/tunnel.sh dev."

# Prints the state of the task and of the agent that takes sessions.
state() { about_task "[lastStatus, containers[0].managedAgents[?name=='ExecuteCommandAgent'].lastStatus | [0]]"; }

# Waits until the task takes sessions.
wait_for_agent() {
    local task agent
    while :; do
        read -r task agent <<<"$(state)"
        [ "$task" != STOPPED ] || die "The task has stopped: $(about_task stoppedReason)"
        [ "$task" != RUNNING ] || [ "$agent" != RUNNING ] || return 0
        sleep 2
    done
}

close() {
    aws ecs stop-task --cluster "$cluster" --task "$arn" --reason "The tunnel is closed." >/dev/null
    say "The tunnel is closed."
}

require session-manager-plugin
use_environment "$1"
start_task tunnel '{}' --enable-execute-command
trap close EXIT
trap : INT # Ctrl-C ends the session, and then this script
say "Starting task ${arn##*/} for the tunnel; this takes about a minute ..."
wait_for_agent
host=$(jq -r .mlflow_host <<<"$tasks")
say "MLflow is on http://localhost:${host##*:}. Ctrl-C closes the tunnel."
aws ssm start-session --target "ecs:${cluster}_${arn##*/}_$(about_task 'containers[0].runtimeId')" \
    --document-name AWS-StartPortForwardingSessionToRemoteHost \
    --parameters "host=${host%:*},portNumber=${host##*:},localPortNumber=${host##*:}"
