#!/usr/bin/env bash
# Runs all parts of Verger on this machine: MLflow, the collection, inference, preprocess and the web page.
set -euo pipefail
called_from=$PWD
launch=$(printf %q "$0") # as people call it, for messages
cd "$(dirname "${BASH_SOURCE[0]}")"
. scripts/environment.sh

usage() {
    cat <<'TEXT'
usage: ./launch.sh                     start Verger and show the logs; Ctrl-C stops Verger
       ./launch.sh --detach            start Verger and return when it is healthy
       ./launch.sh --status            show the state of each program (exit status 0: all are healthy, with a version
                                       of the model or without one)
       ./launch.sh --stop              stop Verger
       ./launch.sh --train DIR [...]   train on a folder with one subfolder per class, or on a dataset version of the
                                       collection, collection:NAME@VERSION; starts Verger if necessary;
                                       for more options: ./launch.sh --train DIR --help
       ./launch.sh --trainer COMMAND   any other command of the trainer: list, promote 3, rollback, evaluate, predict, ...;
                                       all of them: ./launch.sh --trainer --help
       ./launch.sh --bulk classify DIR --output DIR
                                       classify all photos of a folder, without a server;
                                       more: ./launch.sh --bulk classify --help
       ./launch.sh --access COMMAND    make, list, rotate or revoke keys, make a link to sign in with, and log: who did;
                                       more: ./launch.sh --access --help
       ./launch.sh --collection COMMAND   import labelled photos, make a dataset version, export one;
                                       all of them: ./launch.sh --collection --help
       ./launch.sh --backup FILE       save the registry (all versions and runs) and the collection (photos and dataset
                                       versions) in a file, while Verger runs or not
       ./launch.sh --restore FILE      restore such a file into a system that has neither
       ./launch.sh --docker [...]      do the same in containers, for example ./launch.sh --docker --detach

Settings and their defaults. They come from the environment or from the file .env (for --docker, see .env.example):
       VERGER_WEB_PORT=8000                  page and REST API
       VERGER_PREPROCESS_PORT=50051          gRPC API
       VERGER_INFERENCE_PORT=50052           gRPC of the inference service
       VERGER_COLLECTION_PORT=50053          gRPC of the collection, which keeps photos that people give
       VERGER_MLFLOW_PORT=5000               MLflow
       VERGER_PREPROCESS_METRICS_PORT=9101   metrics of the preprocess service
       VERGER_INFERENCE_METRICS_PORT=9102    metrics of the inference service
       VERGER_COLLECTION_METRICS_PORT=9103   metrics of the collection service
       VERGER_BIND_ADDRESS=127.0.0.1         0.0.0.0 lets other machines reach the page and the REST API. These then ask
                                             for keys, and there must be one first: ./launch.sh --access make --help
       VERGER_TLS=                           on: HTTPS, and TLS between all services, with certificates that are made at the
                                             first start; see docs/operating.md for your own
       VERGER_ACCESS=                        open: nobody is asked for a key, whoever reaches Verger; keys: everybody is
       VERGER_PREPROCESS_BIND_ADDRESS=127.0.0.1   likewise for gRPC; VERGER_INFERENCE_BIND_ADDRESS,
                                             VERGER_COLLECTION_BIND_ADDRESS, VERGER_MLFLOW_BIND_ADDRESS and
                                             VERGER_METRICS_BIND_ADDRESS for those who need them: nothing behind these
                                             asks who calls, but for the collection
       VERGER_HOME=.verger                   folder for data and logs
       VERGER_START_SECONDS=300              time limit for the start, in seconds
       VERGER_MODEL_NAME=fruit-classifier    registered model to train and to serve; the released one has this name
TEXT
}

settings() {
    load_settings
    export VERGER_ROOT=$PWD
    export VERGER_BIND_ADDRESS=${VERGER_BIND_ADDRESS:-127.0.0.1}
    export VERGER_PREPROCESS_BIND_ADDRESS=${VERGER_PREPROCESS_BIND_ADDRESS:-127.0.0.1}
    export VERGER_INFERENCE_BIND_ADDRESS=${VERGER_INFERENCE_BIND_ADDRESS:-127.0.0.1}
    export VERGER_COLLECTION_BIND_ADDRESS=${VERGER_COLLECTION_BIND_ADDRESS:-127.0.0.1}
    export VERGER_MLFLOW_BIND_ADDRESS=${VERGER_MLFLOW_BIND_ADDRESS:-127.0.0.1}
    export VERGER_WEB_PORT=${VERGER_WEB_PORT:-8000} VERGER_MLFLOW_PORT=${VERGER_MLFLOW_PORT:-5000}
    export VERGER_PREPROCESS_PORT=${VERGER_PREPROCESS_PORT:-50051} VERGER_INFERENCE_PORT=${VERGER_INFERENCE_PORT:-50052}
    export VERGER_PREPROCESS_METRICS_PORT=${VERGER_PREPROCESS_METRICS_PORT:-9101}
    export VERGER_INFERENCE_METRICS_PORT=${VERGER_INFERENCE_METRICS_PORT:-9102}
    export VERGER_COLLECTION_PORT=${VERGER_COLLECTION_PORT:-50053}
    export VERGER_COLLECTION_METRICS_PORT=${VERGER_COLLECTION_METRICS_PORT:-9103}
    export VERGER_MLFLOW_URL=http://127.0.0.1:$VERGER_MLFLOW_PORT
    export VERGER_TLS_FOLDER=${VERGER_TLS_FOLDER:-$VERGER_HOME/tls} VERGER_TLS_AUTHORITY=$VERGER_HOME/authority
    export VERGER_TLS_RENEWED=false # see scripts/supervisord.conf
    [ "${VERGER_TLS:-}" != on ] || VERGER_TLS_RENEWED=true
    export VERGER_PAGE_URL=http${VERGER_TLS:+s}://localhost:$VERGER_WEB_PORT
    export VERGER_PREPROCESS_TARGET=127.0.0.1:$VERGER_PREPROCESS_PORT
    export VERGER_INFERENCE_TARGET=127.0.0.1:$VERGER_INFERENCE_PORT
    export VERGER_COLLECTION_TARGET=127.0.0.1:$VERGER_COLLECTION_PORT
    export VERGER_MODEL_CACHE_DIRECTORY=$VERGER_HOME/models
    export VERGER_ACCESS_DATABASE_URL=${VERGER_ACCESS_DATABASE_URL:-sqlite:///$VERGER_HOME/access/access.db}
    export VERGER_TRAIN_COMMAND="./launch.sh --train DIR" VERGER_ACCESS_COMMAND="$launch --access"
    VERGER_SOCKET=$(cat "$VERGER_HOME/run/socket" 2>/dev/null || true) # see make_socket_folder
    export VERGER_SOCKET
    serving=$VERGER_HOME/env/serving/bin
    start_seconds=${VERGER_START_SECONDS:-300}
    model=${VERGER_MODEL_NAME:-fruit-classifier}
    may_lack=--started # a model of an own name has no version before the first training, and the system is well
}

health() { "$serving/python" -m services.common.process.health "$@"; }

# Prints why no photo can be answered yet, in a healthy system: no version was trained. Else it prints nothing.
absence() { health --started "$(web_scheme)://127.0.0.1:$VERGER_WEB_PORT/readyz"; }

supervisor() { "$serving/supervisorctl" -c scripts/supervisord.conf "$@"; }

is_running() { [ -x "$serving/supervisorctl" ] && [ -S "$VERGER_SOCKET" ] && supervisor pid >/dev/null 2>&1; }

web_scheme() { say "http${VERGER_TLS:+s}"; }

addresses() {
    local grpc=grpc${VERGER_TLS:+s}
    say "$grpc://127.0.0.1:$VERGER_INFERENCE_PORT/verger.v1.InferenceService" \
        "$grpc://127.0.0.1:$VERGER_PREPROCESS_PORT/verger.v1.ClassifierService" \
        "$grpc://127.0.0.1:$VERGER_COLLECTION_PORT/verger.v1.CollectionService" \
        "$VERGER_MLFLOW_URL/health $(web_scheme)://127.0.0.1:$VERGER_WEB_PORT/readyz"
}

# Only the owner may read what Verger keeps.
keep_private() {
    umask 077
    chmod 700 "$VERGER_HOME"
}

# Supervisor is controlled through a socket, whose path is limited to 104 characters: VERGER_HOME may be longer. So the
# socket is in a new folder with a random name, which only its owner can enter, and VERGER_HOME remembers where.
make_socket_folder() {
    remove_socket_folder # of a system that did not end by itself
    VERGER_SOCKET=$(mktemp -d "${TMPDIR:-/tmp}/verger-XXXXXXXXXX")/supervisor.sock
    printf '%s' "$VERGER_SOCKET" >"$VERGER_HOME/run/socket"
}

remove_socket_folder() {
    [ -n "$VERGER_SOCKET" ] || return 0
    rm -f "$VERGER_SOCKET" "$VERGER_HOME/run/socket"
    rmdir "$(dirname "$VERGER_SOCKET")" 2>/dev/null || true
}

start() {
    keep_private
    make_environment serving
    "$serving/python" -m scripts.certificates "$VERGER_TLS_FOLDER" "$VERGER_TLS_AUTHORITY" ||
        die "The certificates can't be made. The lines above give the reason."
    if is_running; then
        refuse_another_model
        say "Verger is already running."
    else
        "$serving/python" -m scripts.preflight "$launch" || exit 1
        mkdir -p "$VERGER_HOME/logs" "$VERGER_HOME/run"
        make_socket_folder
        printf '%s' "$model" >"$VERGER_HOME/run/model"
        say "Starting MLflow, collection, inference, preprocess and web ..."
        "$serving/supervisord" -c scripts/supervisord.conf ||
            die "supervisord does not start; its log is in $VERGER_HOME/logs."
        import_release || explain_failure
    fi
    # shellcheck disable=SC2046,SC2086  # each word is one argument
    health $may_lack --verbose --wait "$start_seconds" $(addresses) || explain_failure
}

# Registers the released model, under its own name only, if that has no version yet. This check takes seconds, so it runs
# only once per data folder.
import_release() {
    local release=${VERGER_RELEASE_DIR:-models/fruit-classifier} mark=$VERGER_HOME/mlflow/release-imported-$model
    [ "${release##*/}" = "$model" ] && [ ! -f "$mark" ] || return 0
    say "Registering the released model (only once) ..."
    VERGER_MLFLOW_WAIT_SECONDS=$start_seconds "$serving/python" -m trainer import-release && touch "$mark" &&
        may_lack= # inference will notice the version within two seconds
}

explain_failure() {
    supervisor status >&2 || true
    die "Not all programs are healthy. The logs are in $VERGER_HOME/logs; \"$launch --stop\" stops Verger."
}

stop() {
    is_running || { say "Verger is not running."; return; }
    supervisor shutdown >/dev/null
    # supervisord removes its socket after all programs have ended.
    for _ in $(seq 300); do [ -S "$VERGER_SOCKET" ] || break; sleep 0.1; done
    [ ! -S "$VERGER_SOCKET" ] || die "A program does not stop. $VERGER_HOME/logs/supervisord.log says which."
    remove_socket_folder
    rm -f "$VERGER_HOME/run/mlflow.group" # see scripts/mlflow.sh
    say "Verger has stopped."
}

grpc_address() { say "localhost:$VERGER_PREPROCESS_PORT, verger.v1.ClassifierService"; }

where_data_is() { say "$VERGER_HOME"; }

# Whether this machine alone reaches the page.
is_local() { case $VERGER_BIND_ADDRESS in 127.* | localhost | ::1 | "[::1]") ;; *) false ;; esac }

who_reaches_the_page() {
    if is_local; then
        say "this machine alone; VERGER_BIND_ADDRESS=0.0.0.0 lets others reach the page"
    else
        say "other machines, too: the page on $VERGER_BIND_ADDRESS; VERGER_BIND_ADDRESS=127.0.0.1 keeps it to this one"
    fi
}

# As services/access/config.py decides it.
who_is_answered() {
    local asks=keys
    if is_local; then asks=open; fi
    case ${VERGER_ACCESS:-$asks} in
        open) say "everybody who reaches it" ;;
        *) say "who has a key; $VERGER_ACCESS_COMMAND link makes a link to sign in with" ;;
    esac
}

show_addresses() {
    local absent
    absent=$(absence) || true
    cat <<TEXT

  ${absent:-Verger is ready.}

    web page     $(web_scheme)://localhost:$VERGER_WEB_PORT
    REST         $(web_scheme)://localhost:$VERGER_WEB_PORT/docs
    gRPC         $(grpc_address)
    MLflow       http://localhost:$VERGER_MLFLOW_PORT/#/experiments?workflowType=machine_learning
    open to      $(who_reaches_the_page)
    answers      $(who_is_answered)
    data, logs   $(where_data_is)

TEXT
}

status() {
    is_running || { say "Verger is not running."; return 1; }
    supervisor status || true
    # shellcheck disable=SC2046
    health --started $(addresses) >/dev/null && say "Everything is healthy." && absence
}

# served: prints the name of the model that the running system serves.
served() { cat "$VERGER_HOME/run/model" 2>/dev/null || say fruit-classifier; }

# Otherwise the new version would go live nowhere, or under a name that nobody meant.
refuse_another_model() {
    [ "$(served)" = "$model" ] ||
        die "Verger is running and serves $(served), not $model. Stop it first: $launch --stop"
}

train() {
    [ $# -ge 1 ] || { usage >&2; exit 2; }
    if is_running; then refuse_another_model; else start; fi
    trainer train --data "$@"
}

# trainer COMMAND...: runs a command of the trainer with the settings of this system.
trainer() {
    local environment=trainer
    [ $# -ge 1 ] || { usage >&2; exit 2; }
    case $1 in list | promote | rollback | import-release | release) environment=serving ;; esac # they need no TensorFlow
    make_environment "$environment" >&2
    export PYTHONPATH=$VERGER_ROOT VERGER_TRAINER_COMMAND="$launch --trainer" VERGER_TRAIN_COMMAND="$launch --train DIR"
    cd "$called_from" # relative folders are relative to the directory of the caller
    # Photos have priority over training, so that the services continue to answer quickly.
    exec nice -n 10 "$VERGER_HOME/env/$environment/bin/python" -m trainer "$@"
}

# bulk COMMAND...: classifies many photos with the settings of this system, which need not run.
bulk() {
    local environment=serving
    [ $# -ge 1 ] || { usage >&2; exit 2; }
    case " $* " in *" --engine ray "* | *" --engine=ray "*) environment=bulk-ray ;; esac
    make_environment "$environment" >&2
    export PYTHONPATH=$VERGER_ROOT
    cd "$called_from" # as for the trainer
    exec nice -n 10 "$VERGER_HOME/env/$environment/bin/python" -m bulk "$@"
}

# access COMMAND...: makes, lists, rotates or revokes keys. Only a new key or link goes to stdout.
access() {
    keep_private
    make_environment serving >&2
    exec "$serving/python" -m services.access "$@"
}

# collection COMMAND...: imports and exports photos, and makes dataset versions, in the running system.
collection() {
    [ $# -ge 1 ] || { usage >&2; exit 2; } # without a command, the service itself would run
    make_environment serving >&2
    export PYTHONPATH=$VERGER_ROOT
    cd "$called_from" # relative folders are relative to the directory of the caller
    exec "$serving/python" -m services.collection "$@"
}

show_logs() { exec "$serving/python" scripts/show_logs.py "$VERGER_HOME/logs"; }

# in_callers_folder FILE: prints its path, which may be relative to where launch.sh was called.
in_callers_folder() { case $1 in /*) say "$1" ;; *) say "$called_from/$1" ;; esac; }

backup() {
    [ $# = 1 ] || { usage >&2; exit 2; }
    keep_private
    make_environment serving
    "$serving/python" -m scripts.backup save "$(in_callers_folder "$1")"
    say "The registry and the collection are saved in $1."
}

restore() {
    [ $# = 1 ] || { usage >&2; exit 2; }
    is_running && die "Verger is running. Stop it first: $launch --stop"
    keep_private
    make_environment serving
    "$serving/python" -m scripts.backup restore "$(in_callers_folder "$1")"
    say "The registry and the collection are restored from $1."
}

run() {
    trap 'trap - INT TERM EXIT; say ""; kill "${logs:-}" 2>/dev/null || true; stop; exit 0' INT TERM
    trap 'stop' EXIT
    start
    show_addresses
    say "Ctrl-C stops Verger."
    show_logs &
    logs=$!
    wait "$logs"
}

settings "$@"
if [ "${1:-}" = --docker ]; then
    shift
    . scripts/containers.sh
    case ${1:-} in -h | --help) ;; *) require_engine ;; esac
fi
case ${1:-} in
    "") run ;;
    --detach) start && show_addresses ;;
    --status) status ;;
    --stop) stop ;;
    --train) shift && train "$@" ;;
    --trainer) shift && trainer "$@" ;;
    --bulk) shift && bulk "$@" ;;
    --access) shift && access "$@" ;;
    --collection) shift && collection "$@" ;;
    --backup) shift && backup "$@" ;;
    --restore) shift && restore "$@" ;;
    -h | --help) usage ;;
    *) usage >&2 && exit 2 ;;
esac
