#!/usr/bin/env bash
# Runs MLflow for launch.sh: SQLite and artifacts under $VERGER_HOME/mlflow, artifacts through the server.
set -eu
home=$VERGER_HOME/mlflow
mkdir -p "$home/artifacts"
# "mlflow server" has a worker process of its own. Killed outright it leaves that behind, on the port that the next one
# needs: end what is left of the group that the last start noted down.
group=$VERGER_HOME/run/mlflow.group
if [ -f "$group" ]; then kill -KILL -- "-$(cat "$group")" 2>/dev/null || true; fi
printf '%s' $$ >"$group"
# No jobs (of language models) run here, and their processes would cost 300 MB.
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
# Photos come first: while a version is promoted, MLflow works for half a second as hard as it can. That holds once it
# answers: a start that gets only what others leave lasts minutes on a busy machine.
serving=$VERGER_HOME/env/serving/bin
then_come_last() {
    "$serving/python" -m services.common.process.health --wait 3600 "$VERGER_MLFLOW_URL/health" && renice -n 10 -g $$ >/dev/null
}
(then_come_last &) # an orphan: as a child it would stay behind as a zombie of MLflow's
exec "$serving/mlflow" server \
    --host "$VERGER_BIND_ADDRESS" --port "$VERGER_MLFLOW_PORT" --workers 1 \
    --backend-store-uri "sqlite:///$home/mlflow.db" --artifacts-destination "$home/artifacts" --serve-artifacts
