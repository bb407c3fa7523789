#!/bin/sh
# Handles the variables in docker-compose.yml like the entry point of the official image.
set -eu
data=/var/lib/postgresql/data
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

if [ ! -s "$data/PG_VERSION" ]; then
    chown postgres:postgres "$data"
    chmod 700 "$data"
    as_postgres initdb --pgdata="$data" --username="$POSTGRES_USER" --auth-local=trust --auth-host=scram-sha-256 \
        --no-instructions
    echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
    printf '%s\n' "CREATE DATABASE $POSTGRES_DB;" "ALTER ROLE $POSTGRES_USER PASSWORD '$(cat "$POSTGRES_PASSWORD_FILE")';" |
        as_postgres postgres --single -D "$data" postgres >/dev/null
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups \
    postgres -D "$data" -c listen_addresses='*'
