#!/usr/bin/env bash
# Runs MLflow for launch.sh. The SQLite database and the artifacts are under $VERGER_HOME/mlflow. Clients read and write
# artifacts through the server.
set -eu
home=$VERGER_HOME/mlflow
mkdir -p "$home/artifacts"
serving=$VERGER_HOME/env/serving/bin
# "mlflow server" starts a worker process. If the server is killed, the worker survives and keeps the port. Each start
# therefore writes down its process group, and the next start kills what is left of it. The number may belong to
# somebody else by then, so only processes that run MLflow from this very environment are killed.
group=$VERGER_HOME/run/mlflow.group
if [ -f "$group" ]; then
    ps -A -ww -o pgid= -o pid= -o args= | awk -v group="$(cat "$group")" -v ours="$serving/" \
        '$1 == group && index($0, ours) && /mlflow/ {print $2}' | xargs kill -KILL 2>/dev/null || true
fi
printf '%s' $$ >"$group"
# Verger runs no MLflow jobs, whose processes need 300 MB.
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
# Photos have priority over MLflow, which uses a whole core for half a second when a version is promoted. Its priority
# is lowered only once it answers, because its start would otherwise take minutes on a busy machine.
lower_priority_once_started() {
    "$serving/python" -m services.common.process.health --wait 3600 "$VERGER_MLFLOW_URL/health" && renice -n 10 -g $$ >/dev/null
}
(lower_priority_once_started &) # in a subshell, so that it does not become a zombie child of MLflow
exec "$serving/mlflow" server \
    --host "$VERGER_MLFLOW_BIND_ADDRESS" --port "$VERGER_MLFLOW_PORT" --workers 1 \
    --backend-store-uri "sqlite:///$home/mlflow.db" --artifacts-destination "$home/artifacts" --serve-artifacts
