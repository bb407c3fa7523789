# launch.sh sources this file for --docker. It defines the same commands with docker compose.

# As without --docker: what this machine alone reaches asks nobody for a key. docker compose by itself asks for keys.
if is_local; then export VERGER_ACCESS=${VERGER_ACCESS:-open}; fi
export VERGER_ACCESS_COMMAND="$launch --docker --access"

compose() { docker compose "$@"; }

require_engine() {
    docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1 ||
        die "--docker needs a running Docker with its compose plugin (docker compose version)." \
            "Without --docker, ./launch.sh needs neither."
}

absence() {
    compose exec -T web python -m services.common.process.health --started "$(web_scheme)://127.0.0.1:8000/readyz"
}

is_running() { [ -n "$(compose ps --quiet web preprocess inference 2>/dev/null)" ]; }

start() {
    is_running && say "Verger is already running. Containers whose image or settings have changed are replaced."
    scripts/update_containers.sh && return
    compose ps --all >&2 || true
    die "Not all containers are healthy. \"docker compose logs\" gives the reason." \
        "\"./launch.sh --docker --stop\" stops Verger."
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
    for service in web preprocess inference collection mlflow database; do
        [ "$(compose ps --format '{{.Health}}' "$service" | sort -u)" = healthy ] || {
            say "Not healthy: $service"
            return 1
        }
    done
    say "Everything is healthy."
    absence
}

train() {
    local data
    [ $# -ge 1 ] || { usage >&2; exit 2; }
    case $1 in
        collection:*) data=$1 ;;
        *)
            data=/data
            VERGER_TRAINING_DATA=$(cd "$called_from" && cd "$1" 2>/dev/null && pwd) ||
                { say "verger: the folder $1 does not exist." >&2; exit 2; }
            export VERGER_TRAINING_DATA
            ;;
    esac
    shift
    if is_running; then refuse_another_model; else start; fi
    trainer train --data "$data" "$@"
}

served() { compose exec -T inference sh -c 'echo "${VERGER_MODEL_NAME:-fruit-classifier}"'; }

trainer() {
    [ $# -ge 1 ] || { usage >&2; exit 2; }
    compose --profile trainer run --build --rm -e VERGER_TRAINER_COMMAND="$launch --docker --trainer" \
        -e VERGER_TRAIN_COMMAND="$launch --docker --train DIR" trainer "$@"
}

show_logs() { compose logs --follow --since 1s; }

web_scheme() { compose exec -T web sh -c 'echo "http${VERGER_TLS:+s}"'; }

grpc_address() {
    compose port preprocess 50051 2>/dev/null || say "not published; compose.grpc.yml publishes it"
}

where_data_is() { say "in Docker: docker volume ls, docker compose logs"; }

access() { compose run --rm access "$@"; }

bulk() { die "docs/bulk.md gives the commands for a container that classifies many photos."; }

# The folder of the caller has the same path in the container, which writes there as the caller.
collection() {
    [ $# -ge 1 ] || { usage >&2; exit 2; }
    compose run --rm -e VERGER_KEY -u "$(id -u):$(id -g)" -v "$called_from:$called_from" -w "$called_from" collection "$@"
}

backup() { die "For containers, docs/containers.md gives the commands for a backup, and for restoring it."; }

restore() { backup; }
