# The other scripts source this file. It defines paths and functions for Terraform and AWS.
# It needs Terraform 1.11, the AWS CLI, jq, AWS_REGION, and credentials in any form that the AWS CLI supports.
# shellcheck shell=bash

terraform_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$@"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

require() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || die "$tool is missing. See \"Requirements\" in terraform/README.md."
    done
}

# Sets region, account and state_bucket, and passes the region to Terraform.
sign_in() {
    require terraform aws jq
    region=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
    [ -n "$region" ] || die "AWS_REGION is not set. Set it, for example: export AWS_REGION=eu-west-3"
    export AWS_REGION=$region TF_VAR_region=$region TF_IN_AUTOMATION=1
    account=$(aws sts get-caller-identity --query Account --output text) ||
        die "You are not signed in to AWS, or AWS can't be reached. Sign in first (aws configure, aws sso login, ...)."
    state_bucket=verger-terraform-$account-$region
}

# use_environment NAME: checks the name, signs in, and connects Terraform with the state of the environment.
use_environment() {
    environment=${1:-}
    case $environment in
        dev | prod) ;;
        *) die "Give an environment: dev or prod." ;;
    esac
    sign_in
    aws s3api head-bucket --bucket "$state_bucket" >/dev/null 2>&1 ||
        die "The bucket $state_bucket for Terraform's state does not exist: run scripts/bootstrap.sh first (AWS_REGION is $region)."
    connect "environments/$environment"
}

# connect DIR: runs terraform init with the state in S3.
connect() {
    directory=$terraform_root/$1
    tf init -input=false -reconfigure -backend-config="bucket=$state_bucket" -backend-config="region=$region" >/dev/null ||
        die "terraform init failed. Run it in $directory to see the reason."
}

tf() { terraform -chdir="$directory" "$@"; }

output() { tf output -json "$1" | jq -r "${2:-.}"; }

# start_task NAME OVERRIDES [OPTION]: starts a one-off task. Sets tasks (how to run them), cluster and arn.
start_task() {
    tasks=$(output one_off_tasks) || die "Deploy $environment first: scripts/deploy.sh"
    cluster=$(output cluster_name)
    [ "$(jq ".definitions.$1" <<<"$tasks")" != null ] ||
        die "$environment has no task $1. See terraform/README.md for the setting that adds it."
    arn=$(aws ecs run-task --cluster "$cluster" --count 1 --started-by "$(basename "$0")" \
        --task-definition "$(jq -r ".definitions.$1" <<<"$tasks")" \
        --capacity-provider-strategy "capacityProvider=$(jq -r .capacity_provider <<<"$tasks"),weight=1" \
        --network-configuration "$(jq -c '{awsvpcConfiguration: {subnets: .subnet_ids, securityGroups: [.security_group_id]}}' <<<"$tasks")" \
        --overrides "$2" "${@:3}" --query 'tasks[0].taskArn' --output text) ||
        die "ECS refused to start the task. The lines above give the reason."
    [ "$arn" != None ] || die "ECS has no capacity for the task at the moment. Try again in a minute."
}

# about_task QUERY: prints a property of the task that start_task has started.
about_task() { aws ecs describe-tasks --cluster "$cluster" --tasks "$arn" --query "tasks[0].$1" --output text; }

# run_task NAME OVERRIDES: runs trainer or registrar as a one-off task, shows its log, and returns its exit status.
run_task() {
    local name=$1 status
    start_task "$@"
    say "$name runs as task ${arn##*/}. Ctrl-C ends only this display; the task continues."
    follow_log "$cluster" "$arn" "$(jq -r ".log_groups.$name" <<<"$tasks")" "$name/$name/${arn##*/}"
    status=$(about_task "containers[?name=='$name'].exitCode | [0]")
    [ "$status" != None ] || die "The task did not start: $(about_task stoppedReason)"
    return "$status"
}

# follow_log CLUSTER TASK GROUP STREAM: prints the log of a container until the task stops.
# "aws logs tail --follow" would not do: version 1 of the AWS CLI lacks it, and it does not end with the task.
follow_log() {
    local state events token=
    while :; do
        state=$(aws ecs describe-tasks --cluster "$1" --tasks "$2" --query 'tasks[0].lastStatus' --output text) ||
            die "The state of task $2 can't be read. The task may still run."
        # This fails as long as the container has not started and its log stream does not exist.
        if events=$(aws logs get-log-events --log-group-name "$3" --log-stream-name "$4" --start-from-head \
            ${token:+--next-token "$token"} --output json 2>/dev/null); then
            jq -r '.events[].message' <<<"$events"
            token=$(jq -r .nextForwardToken <<<"$events")
        fi
        [ "$state" != STOPPED ] || return 0
        sleep 5
    done
}
