# Read by the checks: a private PostgreSQL that ends with them, and the cases in two databases of it.
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cases=$repository/tests/cases

# Says what is wrong and ends the check.
fail() {
    printf 'failed: %s\n' "$*" >&2
    exit 1
}

# Runs a command of the server as an account that PostgreSQL accepts.
as_server() {
    if [[ $(id -u) == 0 ]]; then
        setpriv --reuid="$server_account" --regid="$server_account" --clear-groups env HOME=/ "$@"
    else
        "$@"
    fi
}

# Starts the server on a socket in $place, where everything of the check may lie.
start_server() {
    place=$(mktemp -d /tmp/certferry-deploy.XXXXXX)
    binaries=$(dirname "$(readlink -f "$("$repository/scripts/ensure-postgres")/postgres")")
    PATH=$PATH:$binaries
    command -v psql >/dev/null || fail 'psql is not here; install it, for instance with apt-get, package postgresql-client'
    server_account=postgres
    getent passwd postgres >/dev/null || server_account=nobody
    chmod 755 "$place"
    mkdir "$place/server"
    [[ $(id -u) != 0 ]] || chown "$server_account" "$place/server"
    trap stop_server EXIT
    cd "$place" || exit
    as_server "$binaries/initdb" -D "$place/server/data" -U postgres -A trust -E UTF8 --no-sync >/dev/null
    as_server "$binaries/pg_ctl" -D "$place/server/data" -w -s -l "$place/server/log" \
        -o "-c listen_addresses='' -k $place/server -c fsync=off" start >/dev/null
    export PGHOST=$place/server PGUSER=postgres PGDATABASE=new PGOPTIONS='-c client_min_messages=warning'
}

# Stops the server and whatever else the check has begun, and takes their files away.
stop_server() {
    status=$?
    trap - EXIT
    for pid in ${started:-}; do
        kill "$pid" 2>/dev/null || :
    done
    as_server "$binaries/pg_ctl" -D "$place/server/data" -m immediate -s stop 2>/dev/null || :
    wait
    cd / && rm -rf "$place"
    exit "$status"
}

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

# Fills a database's table from a file of the cases.
fill() {
    sql -d "$1" -c "\\copy $2 ($(head -n 1 "$3")) FROM '$3' WITH (FORMAT csv, HEADER, NULL '\\N')"
}

# The legacy database `legacy`, and `new`, which holds the destination.
load_cases() {
    psql -X -q -d postgres -c 'CREATE DATABASE legacy' -c 'CREATE DATABASE new'
    sql -d legacy -f "$repository/crates/testkit/sql/legacy.sql"
    for table in customers users technicians certificates; do
        fill legacy "$table" "$cases/$table.csv"
    done
    sql -f "$repository/crates/store/reference/destination.sql"
    for table in users customers technicians devices; do
        fill new "$table" "$cases/dest_$table.csv"
        sql -c "SELECT setval(pg_get_serial_sequence('$table', 'id'), max(id)) FROM $table" >/dev/null
    done
    export SOURCE_URL="postgres://postgres@localhost/legacy?host=$PGHOST"
}

roles() { sql -v workers="${workers:-4}" -f "$repository/deploy/postgres/roles.sql"; }

# Runs a program under a role: as worker worker --drain.
as() {
    local role=$1
    shift
    DATABASE_URL="postgres://certferry_$role@localhost/new?host=$PGHOST" "$programs/$1" "${@:2}"
}

# The same in the background; $! is the program's own number.
start_as() {
    (
        export DATABASE_URL="postgres://certferry_$1@localhost/new?host=$PGHOST"
        exec "$programs/$2" "${@:3}"
    ) &
}

# The programs that are tried.
programs=${CERTFERRY_PROGRAMS:-${CARGO_TARGET_DIR:-$repository/target}/debug}
