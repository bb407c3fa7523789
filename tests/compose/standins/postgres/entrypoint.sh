#!/bin/sh
# Handles the variables in docker-compose.yml like the entry point of the official image that does not run as root.
set -eu
data=/var/lib/postgresql/data

if [ ! -s "$data/PG_VERSION" ]; then
    chmod 700 "$data"
    initdb --pgdata="$data" --username="$POSTGRES_USER" --auth-local=trust --auth-host=scram-sha-256 --no-instructions
    echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
    printf '%s\n' "CREATE DATABASE $POSTGRES_DB;" "ALTER ROLE $POSTGRES_USER PASSWORD '$(cat "$POSTGRES_PASSWORD_FILE")';" |
        postgres --single -D "$data" postgres >/dev/null
fi
exec postgres -D "$data" -c listen_addresses='*'
