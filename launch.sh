#!/usr/bin/env bash
# Runs all of Verger on this machine: MLflow, inference, preprocess and the web page.
set -euo pipefail
called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
. scripts/environment.sh

usage() {
    cat <<'TEXT'
usage: ./launch.sh                     start everything, show the logs, stop everything on Ctrl-C
       ./launch.sh --detach            start everything and return when it is healthy
       ./launch.sh --status            say what runs (exit status 0: all of it, and healthy)
       ./launch.sh --stop              stop everything
       ./launch.sh --train DIR [...]   train on a folder of class folders in the running system (started if it is not);
                                       more options go to the trainer: ./launch.sh --train DIR --help
       ./launch.sh --docker [...]      each of these, in containers: ./launch.sh --docker --detach and so on

Settings, from the environment or the file .env (those of --docker are in .env.example):
       VERGER_WEB_PORT (8000)  VERGER_PREPROCESS_PORT (50051)  VERGER_INFERENCE_PORT (50052)  VERGER_MLFLOW_PORT (5000)
       VERGER_PREPROCESS_METRICS_PORT (9101)  VERGER_INFERENCE_METRICS_PORT (9102)
       VERGER_BIND_ADDRESS (127.0.0.1; 0.0.0.0 lets other machines in)  VERGER_HOME (.verger: all data and logs)
       VERGER_START_SECONDS (300: how long everything may take to become healthy, on a busy machine too)
TEXT
}

settings() {
    load_settings
    export VERGER_ROOT=$PWD
    export VERGER_BIND_ADDRESS=${VERGER_BIND_ADDRESS:-127.0.0.1}
    export VERGER_WEB_PORT=${VERGER_WEB_PORT:-8000} VERGER_MLFLOW_PORT=${VERGER_MLFLOW_PORT:-5000}
    export VERGER_PREPROCESS_PORT=${VERGER_PREPROCESS_PORT:-50051} VERGER_INFERENCE_PORT=${VERGER_INFERENCE_PORT:-50052}
    export VERGER_PREPROCESS_METRICS_PORT=${VERGER_PREPROCESS_METRICS_PORT:-9101}
    export VERGER_INFERENCE_METRICS_PORT=${VERGER_INFERENCE_METRICS_PORT:-9102}
    export VERGER_MLFLOW_URL=http://127.0.0.1:$VERGER_MLFLOW_PORT
    export VERGER_PREPROCESS_TARGET=127.0.0.1:$VERGER_PREPROCESS_PORT
    export VERGER_INFERENCE_TARGET=127.0.0.1:$VERGER_INFERENCE_PORT
    export VERGER_MODEL_CACHE_DIRECTORY=$VERGER_HOME/models
    # A socket's path may have 104 characters at most, and a data folder may lie deep.
    VERGER_SOCKET=${TMPDIR:-/tmp}/verger-$(id -u)-$(printf '%s' "$VERGER_HOME" | cksum | cut -d' ' -f1).sock
    export VERGER_SOCKET
    serving=$VERGER_HOME/env/serving/bin
    start_seconds=${VERGER_START_SECONDS:-300}
}

supervisor() { "$serving/supervisorctl" -c scripts/supervisord.conf "$@"; }

is_running() { [ -x "$serving/supervisorctl" ] && [ -S "$VERGER_SOCKET" ] && supervisor pid >/dev/null 2>&1; }

addresses() {
    say "grpc://127.0.0.1:$VERGER_INFERENCE_PORT/verger.v1.InferenceService" \
        "grpc://127.0.0.1:$VERGER_PREPROCESS_PORT/verger.v1.ClassifierService" \
        "$VERGER_MLFLOW_URL/health http://127.0.0.1:$VERGER_WEB_PORT/readyz"
}

require_free_ports() {
    "$serving/python" - VERGER_WEB_PORT VERGER_PREPROCESS_PORT VERGER_INFERENCE_PORT VERGER_MLFLOW_PORT \
        VERGER_PREPROCESS_METRICS_PORT VERGER_INFERENCE_METRICS_PORT <<'PYTHON' || exit 1
import os, socket, sys

taken = []
for name in sys.argv[1:]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((os.environ["VERGER_BIND_ADDRESS"], int(os.environ[name])))
        except OSError:
            taken.append(name)
for name in taken:
    port = os.environ[name]
    print(f"verger: port {port} is taken. Free it, or choose another: {name}={int(port) + 1000} ./launch.sh", file=sys.stderr)
sys.exit(bool(taken))
PYTHON
}

start() {
    make_environment serving
    if is_running; then
        say "Verger is running already."
    else
        require_free_ports
        mkdir -p "$VERGER_HOME/logs" "$VERGER_HOME/run"
        rm -f "$VERGER_SOCKET"
        "$serving/supervisord" -c scripts/supervisord.conf || die "supervisord does not start; see $VERGER_HOME/logs."
        import_release || explain_failure
    fi
    # shellcheck disable=SC2046  # one address a word
    "$serving/python" -m services.common.process.health --wait "$start_seconds" $(addresses) || explain_failure
}

# An empty registry gets the released model. Asking whether it is empty takes seconds, so that is asked only once.
import_release() {
    local mark=$VERGER_HOME/mlflow/release-imported
    [ -f "$mark" ] || {
        VERGER_MLFLOW_WAIT_SECONDS=$start_seconds "$serving/python" -m trainer import-release && touch "$mark"
    }
}

explain_failure() {
    supervisor status >&2 || true
    die "Not everything became healthy. The logs are in $VERGER_HOME/logs; ./launch.sh --stop ends what runs."
}

stop() {
    is_running || { say "Verger is not running."; return; }
    supervisor shutdown >/dev/null
    # supervisord removes its socket last, when every program has ended.
    for _ in $(seq 300); do [ -S "$VERGER_SOCKET" ] || break; sleep 0.1; done
    [ ! -S "$VERGER_SOCKET" ] || die "Something does not stop; see $VERGER_HOME/logs/supervisord.log."
    say "Verger has stopped."
}

grpc_address() { say "localhost:$VERGER_PREPROCESS_PORT, verger.v1.ClassifierService"; }

where_data_is() { say "$VERGER_HOME"; }

show_addresses() {
    cat <<TEXT

  Verger is ready.

    web page     http://localhost:$VERGER_WEB_PORT
    REST         http://localhost:$VERGER_WEB_PORT/docs
    gRPC         $(grpc_address)
    MLflow       http://localhost:$VERGER_MLFLOW_PORT
    data, logs   $(where_data_is)

TEXT
}

status() {
    is_running || { say "Verger is not running."; return 1; }
    supervisor status || true
    # shellcheck disable=SC2046
    "$serving/python" -m services.common.process.health $(addresses) && say "All healthy."
}

train() {
    [ $# -ge 1 ] || { usage >&2; exit 2; }
    is_running || start
    make_environment trainer
    export PYTHONPATH=$VERGER_ROOT
    cd "$called_from" # where the folders that were named are looked for
    # Photos come first: the services go on answering while a version is trained beside them.
    exec nice -n 10 "$VERGER_HOME/env/trainer/bin/python" -m trainer train --data "$@"
}

show_logs() { exec tail -q -n 0 -F "$VERGER_HOME"/logs/*.log; }

run() {
    trap 'trap - INT TERM EXIT; say ""; stop; exit 0' INT TERM
    trap 'stop' EXIT
    start
    show_addresses
    say "Ctrl-C stops everything."
    show_logs &
    wait $!
}

settings
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
    -h | --help) usage ;;
    *) usage >&2 && exit 2 ;;
esac
