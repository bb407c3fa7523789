#!/usr/bin/env bash
# Builds the images of this checkout and pushes them under one tag, which names a release and never moves.
#   AWS_REGION=eu-west-3 scripts/push-images.sh 1.4.0
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

tag=${1:-}
[ -n "$tag" ] || die "Name the release: scripts/push-images.sh 1.4.0, or \"\$(git rev-parse --short HEAD)\"."
[ "$tag" != latest ] || die "\"latest\" is no release: nobody could say what runs, or go back to what ran."

require docker
sign_in
connect bootstrap
repositories=$(output repository_urls)
registry=$(jq -r 'to_entries[0].value | split("/")[0]' <<<"$repositories")
aws ecr get-login-password | docker login --username AWS --password-stdin "$registry" >/dev/null

export DOCKER_DEFAULT_PLATFORM=linux/amd64 # what Fargate is told to run, wherever this is built
cd "$terraform_root/.."
compose=$(docker compose --profile '*' config --format json)
for service in web preprocess inference mlflow trainer; do
    if aws ecr describe-images --repository-name "verger-$service" --image-ids "imageTag=$tag" >/dev/null 2>&1; then
        say "verger-$service:$tag is there already."
        continue
    fi
    docker compose --profile '*' build "$service"
    image=$(jq -r ".services.$service.image" <<<"$compose")
    docker tag "$image" "$registry/verger-$service:$tag"
    docker push "$registry/verger-$service:$tag"
done

say "" "Release $tag is in the registry. Next: scripts/deploy.sh dev $tag"
