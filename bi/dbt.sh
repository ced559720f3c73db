#!/usr/bin/env bash
# Runs the dbt project for real against both databases: models, tests of keys and values, and freshness.
#
#   bi/dbt.sh                     builds the program first
#   bi/dbt.sh path/to/binary      takes this one
#
# Needs Python 3.10 or later with venv, PyPI, curl and the Postgres server binaries. Removes all it made.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# dbt-sqlite 1.10 needs dbt-adapters 1.16, which dbt-postgres 1.9 is the last to take.
packages=('dbt-core==1.10.23' 'dbt-sqlite==1.10.0' 'dbt-postgres==1.9.1')

work=$(mktemp -d)
data=$(mktemp -d)
simulator=
stop() {
    [ -z "$simulator" ] || kill "$simulator"
    # The end of its input stops the server.
    [ -z "${server_PID:-}" ] || { exec {to_server}>&-; wait "$server_PID" || true; }
    rm -rf "$work" "$data"
}
trap stop EXIT

fail() { echo "bi/dbt.sh: $*" >&2; exit 1; }

if [ $# -gt 0 ]; then
    program=$(realpath "$1")
else
    cargo build --quiet --bin onelogin-sync
    program=$(realpath "${CARGO_TARGET_DIR:-target}/debug/onelogin-sync")
fi

python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet --disable-pip-version-check install "${packages[@]}"

# A Postgres of its own, on a port that is free now.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
as_server=()
if [ "$(id -u)" -eq 0 ]; then
    # Postgres refuses to run as root.
    as_server=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
    chown nobody:nogroup "$data"
fi
coproc server { "${as_server[@]}" sh tests/support/postgres.sh keep "$data"; }
to_server=${server[1]} from_server=${server[0]}
for command in create "start $port"; do
    echo "$command" >&"$to_server"
    read -r answer <&"$from_server" || answer="no answer"
    [ "$answer" = done ] || { cat "$data/log" >&2; fail "Postgres: $command: $answer"; }
done

# The history of the demo, up to now.
"$program" simulate --port 0 --frozen --seed 7 --failures 1600 --successes 3200 --days 42 --page 500 \
    >"$work/simulator" &
simulator=$!
for _ in $(seq 100); do
    grep -q 'http://' "$work/simulator" && break
    sleep 0.1
done
ONELOGIN_BASE_URL=$(sed -n 's|.*\(http://[^,]*\),.*|\1|p' "$work/simulator")
[ -n "$ONELOGIN_BASE_URL" ] || fail "the simulator did not start"
export ONELOGIN_LOG_LEVEL=warn ONELOGIN_BASE_URL ONELOGIN_CLIENT_ID=demo-client ONELOGIN_CLIENT_SECRET=demo-secret
"$program" sync --database-url "sqlite:$work/onelogin.db"
"$program" sync --database-url "postgres://postgres@127.0.0.1:$port/postgres"

export PGHOST=127.0.0.1 PGPORT=$port PGUSER=postgres PGDATABASE=postgres
export DBT_SQLITE_DIRECTORY=$work DBT_SQLITE_FILE=$work/onelogin.db DBT_SEND_ANONYMOUS_USAGE_STATS=false
run_dbt() {
    "$work/venv/bin/dbt" --no-use-colors "$@" --project-dir bi/dbt --profiles-dir bi/dbt \
        --target-path "$work/target" --log-path "$work/logs"
}
for target in sqlite postgres; do
    echo "-- $target"
    DBT_TARGET=$target run_dbt build
done
DBT_TARGET=postgres run_dbt source freshness
