#!/usr/bin/env bash
# Builds the images of this checkout and pushes them with one tag. The tag names a release and is immutable.
#   AWS_REGION=eu-west-3 scripts/push-images.sh 1.4.0
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

tag=${1:-}
[ -n "$tag" ] || die "Give the release: scripts/push-images.sh 1.4.0, or \"\$(git rev-parse --short HEAD)\"."
[ "$tag" != latest ] || die "\"latest\" is not a release: it does not say what runs, and allows no rollback."

require docker
sign_in
connect bootstrap
repositories=$(output repository_urls)
registry=$(jq -r 'to_entries[0].value | split("/")[0]' <<<"$repositories")
aws ecr get-login-password | docker login --username AWS --password-stdin "$registry" >/dev/null

export DOCKER_DEFAULT_PLATFORM=linux/amd64 # platform of the tasks in Fargate
export VERGER_TAG=$tag                      # tag of the images in docker-compose.yml
cd "$terraform_root/.."
docker compose --profile '*' build

for name in $(jq -r 'keys[]' <<<"$repositories"); do
    if aws ecr describe-images --repository-name "$name" --image-ids "imageTag=$tag" >/dev/null 2>&1; then
        say "$name:$tag is already in the registry."
        continue
    fi
    docker tag "$name:$tag" "$registry/$name:$tag"
    docker push "$registry/$name:$tag"
done

say "" "Release $tag is in the registry. Next step: scripts/deploy.sh dev $tag"
