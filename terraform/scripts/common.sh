# Sourced by the other scripts: where things are, and how to talk to Terraform and AWS.
# Needs terraform 1.11, the AWS CLI, jq, and AWS_REGION with credentials in any way that the AWS CLI knows.
# shellcheck shell=bash

terraform_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$@"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

require() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || die "$tool is needed and not there; see terraform/README.md, \"What you need\"."
    done
}

# Sets region, account and state_bucket, and makes Terraform ask no questions about the region.
sign_in() {
    require terraform aws jq
    region=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
    [ -n "$region" ] || die "AWS_REGION is not set. Say where: export AWS_REGION=eu-west-3"
    export AWS_REGION=$region TF_VAR_region=$region TF_IN_AUTOMATION=1
    account=$(aws sts get-caller-identity --query Account --output text) ||
        die "AWS doesn't know you, or can't be reached. Sign in first (aws configure, aws sso login, ...)."
    state_bucket=verger-terraform-$account-$region
}

# use_environment NAME: checks the name, signs in and connects Terraform with the environment's state.
use_environment() {
    environment=${1:-}
    case $environment in
        dev | prod) ;;
        *) die "Name an environment: dev or prod." ;;
    esac
    sign_in
    aws s3api head-bucket --bucket "$state_bucket" >/dev/null 2>&1 ||
        die "There is no bucket $state_bucket for Terraform's state: run scripts/bootstrap.sh first (AWS_REGION is $region)."
    connect "environments/$environment"
}

# connect DIR: terraform init with the state in S3.
connect() {
    directory=$terraform_root/$1
    tf init -input=false -reconfigure -backend-config="bucket=$state_bucket" -backend-config="region=$region" >/dev/null ||
        die "terraform init failed in $directory; run it there to see more."
}

tf() { terraform -chdir="$directory" "$@"; }

output() { tf output -json "$1" | jq -r "${2:-.}"; }

# run_task NAME OVERRIDES: runs trainer or registrar once, shows its log, and returns its exit status.
run_task() {
    local name=$1 overrides=$2 tasks cluster arn status
    tasks=$(output one_off_tasks) || die "Deploy $environment first: scripts/deploy.sh"
    cluster=$(output cluster_name)
    arn=$(aws ecs run-task --cluster "$cluster" --count 1 --started-by "$(basename "$0")" \
        --task-definition "$(jq -r ".definitions.$name" <<<"$tasks")" \
        --capacity-provider-strategy "capacityProvider=$(jq -r .capacity_provider <<<"$tasks"),weight=1" \
        --network-configuration "$(jq -c '{awsvpcConfiguration: {subnets: .subnet_ids, securityGroups: [.security_group_id]}}' <<<"$tasks")" \
        --overrides "$overrides" --query 'tasks[0].taskArn' --output text) || die "ECS refused to start the task; see above."
    [ "$arn" != None ] || die "ECS has no capacity for the task at the moment. Try again in a minute."
    say "$name runs as task ${arn##*/}; Ctrl-C stops watching, not the task."
    follow_log "$cluster" "$arn" "$(jq -r ".log_groups.$name" <<<"$tasks")" "$name/$name/${arn##*/}"
    status=$(aws ecs describe-tasks --cluster "$cluster" --tasks "$arn" \
        --query "tasks[0].containers[?name=='$name'].exitCode | [0]" --output text)
    [ "$status" != None ] || die "The task never started: $(aws ecs describe-tasks --cluster "$cluster" --tasks "$arn" \
        --query 'tasks[0].stoppedReason' --output text)"
    return "$status"
}

# follow_log CLUSTER TASK GROUP STREAM: prints what the container writes until the task has stopped.
follow_log() {
    local state events token=
    while :; do
        state=$(aws ecs describe-tasks --cluster "$1" --tasks "$2" --query 'tasks[0].lastStatus' --output text) ||
            die "Lost sight of task $2; it may still run."
        # No stream yet: the container has not started.
        if events=$(aws logs get-log-events --log-group-name "$3" --log-stream-name "$4" --start-from-head \
            ${token:+--next-token "$token"} --output json 2>/dev/null); then
            jq -r '.events[].message' <<<"$events"
            token=$(jq -r .nextForwardToken <<<"$events")
        fi
        [ "$state" != STOPPED ] || return 0
        sleep 5
    done
}
