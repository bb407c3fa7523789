# Sourced by launch.sh for --docker: the same commands, done by docker compose.

compose() { docker compose "$@"; }

require_engine() {
    docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1 ||
        die "--docker needs a running Docker with its compose plugin (docker compose version)." \
            "./launch.sh alone needs neither."
}

is_running() { [ -n "$(compose ps --quiet web preprocess inference 2>/dev/null)" ]; }

start() {
    is_running && say "Verger is running already; what has changed is built and replaced."
    compose up --build --detach --wait && return
    compose ps --all >&2 || true
    die "Not everything became healthy. docker compose logs says why; ./launch.sh --docker --stop ends what runs."
}

stop() {
    is_running || { say "Verger is not running."; return; }
    compose --profile trainer down
    say "Verger has stopped."
}

status() {
    local service
    is_running || { say "Verger is not running."; return 1; }
    compose ps
    for service in web preprocess inference mlflow database; do
        [ "$(compose ps --format '{{.Health}}' "$service" | sort -u)" = healthy ] || {
            say "Not healthy: $service"
            return 1
        }
    done
    say "All healthy."
}

train() {
    local data
    [ $# -ge 1 ] || { usage >&2; exit 2; }
    data=$(cd "$called_from" && cd "$1" 2>/dev/null && pwd) || { say "verger: there is no folder $1." >&2; exit 2; }
    shift
    is_running || start
    VERGER_TRAINING_DATA=$data compose --profile trainer run --build --rm trainer train --data /data "$@"
}

show_logs() { compose logs --follow --since 1s; }

grpc_address() {
    compose port preprocess 50051 2>/dev/null || say "not published; the layer compose.grpc.yml does that"
}

where_data_is() { say "volumes and logs of Docker: docker volume ls, docker compose logs"; }
