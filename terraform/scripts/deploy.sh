#!/usr/bin/env bash
# Brings an environment to a release: the first time, to update, and to go back (name the older release).
# Old tasks serve until new ones are healthy; if those never are, ECS goes back by itself and this says so.
#   AWS_REGION=eu-west-3 scripts/deploy.sh dev 1.4.0 [--yes]
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ $# -ge 2 ] || die "Name environment and release: scripts/deploy.sh dev 1.4.0"
approve=()
[ "${3:-}" != --yes ] || approve=(-input=false -auto-approve)

wait_for() {
    say "Waiting for $* ..."
    # The AWS CLI gives up after ten minutes; a first start may take longer.
    local attempt
    for attempt in 1 2 3; do
        aws ecs wait services-stable --cluster "$cluster" --services "$@" && return
        say "Not stable after $((attempt * 10)) minutes."
    done
    die "The events of the services in the ECS console say what is in the way: $*"
}

use_environment "$1"
tf apply ${approve[@]+"${approve[@]}"} -var "image_tag=$2"
cluster=$(output cluster_name)

# Inference is healthy once there is a champion, so an empty registry gets the released model first.
wait_for mlflow
run_task registrar '{}' || die "The released model could not be registered; see above."
wait_for mlflow inference preprocess web

rolled_back=
for service in mlflow inference preprocess web; do
    running=$(aws ecs describe-services --cluster "$cluster" --services "$service" --query 'services[0].taskDefinition' --output text)
    [ "$running" = "$(output service_definitions ".$service")" ] || rolled_back+=" $service"
done
[ -z "$rolled_back" ] || die "New tasks never became healthy, so ECS went back to the release before:$rolled_back. Their logs say why."

say "" "Release $2 runs in $environment: $(output url)"
say "Where no Route 53 zone was named, point your records to $(output load_balancer_dns_name)."
