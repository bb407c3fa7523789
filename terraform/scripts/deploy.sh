#!/usr/bin/env bash
# Deploys a release to an environment: the first time, for an update, or for a rollback to an older release.
# Old tasks serve until new ones are healthy. If these never become healthy, ECS restores the previous release, and this
# script reports it.
#   AWS_REGION=eu-west-3 scripts/deploy.sh dev 1.4.0 [--yes]
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ $# -ge 2 ] || die "Give an environment and a release: scripts/deploy.sh dev 1.4.0"
approve=()
[ "${3:-}" != --yes ] || approve=(-input=false -auto-approve)

wait_for() {
    say "Waiting for $* ..."
    # The AWS CLI waits for ten minutes. A first start may take longer.
    local attempt
    for attempt in 1 2 3; do
        aws ecs wait services-stable --cluster "$cluster" --services "$@" && return
        say "Not stable after $((attempt * 10)) minutes."
    done
    die "These services did not become stable: $*. Their events in the ECS console give the reason."
}

use_environment "$1"
tf apply ${approve[@]+"${approve[@]}"} -var "image_tag=$2"
cluster=$(output cluster_name)

# Registers the released model if it has no version yet. With another VERGER_MODEL_NAME, the task says how to train one.
wait_for mlflow
run_task registrar '{}' || die "The released model could not be registered. The lines above give the reason."
wait_for mlflow inference preprocess web

rolled_back=
for service in mlflow inference preprocess web; do
    running=$(aws ecs describe-services --cluster "$cluster" --services "$service" --query 'services[0].taskDefinition' --output text)
    [ "$running" = "$(output service_definitions ".$service")" ] || rolled_back+=" $service"
done
[ -z "$rolled_back" ] || die "New tasks did not become healthy, so ECS restored the previous release of:$rolled_back. Their logs give the reason."

say "" "Release $2 runs in $environment: $(output url)"
say "If you set no Route 53 zone, point your DNS records to $(output load_balancer_dns_name)."
