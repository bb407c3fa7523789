#!/usr/bin/env bash
# Builds the images, and starts Verger in containers or replaces those whose image or settings have changed. New
# containers of inference and preprocess are healthy before the old ones stop, so that no call waits for them; docker
# compose up would stop all old ones first. It takes the settings of docker compose; COMPOSE_FILE names further files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# renew SERVICE: starts new containers beside the outdated ones, and once they are healthy stops these one by one.
# --no-recreate spares all that runs. With --no-deps, some releases of docker compose would not know the new ones again.
renew() {
    local old all container
    remove_failed "$1"
    old=$(outdated "$1")
    [ -n "$old" ] || return 0
    echo "Replacing $1 ..."
    all=$(docker compose ps --all --quiet "$1")
    docker compose up --detach --wait --no-recreate --scale "$1=$(wc -w <<<"$all $old")" "$1" || {
        echo "The new $1 is not healthy, so the containers from before go on. \"docker compose logs $1\" gives the" \
            "reason. Mend it, then run this script again." >&2
        exit 1
    }
    for container in $old; do docker rm "$(docker stop "$container")" >/dev/null; done
}

# remove_failed SERVICE: removes outdated containers that are not healthy, as an update that failed leaves them. docker
# compose would wait for these, too.
remove_failed() {
    local container
    for container in $(outdated "$1"); do
        [ "$(docker inspect "$container" --format '{{.State.Health.Status}}')" = healthy ] ||
            docker rm "$(docker stop "$container")" >/dev/null
    done
}

# outdated SERVICE: prints the ids of its containers that docker compose would replace; none where they publish a port,
# which the new ones could not have at the same time.
outdated() {
    local hash container ports image label tag
    hash=$(docker compose config --hash "$1")
    for container in $(docker compose ps --all --quiet "$1"); do
        read -r ports image label tag < <(docker inspect "$container" --format \
            '{{len .HostConfig.PortBindings}} {{.Image}} {{index .Config.Labels "com.docker.compose.config-hash"}} {{.Config.Image}}')
        [ "$ports" = 0 ] || return 0
        [ "$image $label" = "$(docker image inspect "$tag" --format '{{.Id}}') ${hash#* }" ] || echo "$container"
    done
}

docker compose build
if [ -n "$(docker compose ps --quiet inference preprocess 2>/dev/null)" ]; then
    # First all that no call waits for: MLflow, its database, and what runs once. If one of these were new to the last
    # command, docker compose would replace the services that depend on it, too.
    docker compose config --services | grep -vxE 'web|preprocess|inference' | xargs docker compose up --detach
    renew inference
    renew preprocess
fi
docker compose up --detach --wait
