#!/usr/bin/env bash
# Runs the dbt project for real against both databases: models, tests of keys and values, and freshness.
#
#   bi/dbt.sh                     builds the program first
#   bi/dbt.sh path/to/binary      takes this one
#
# Needs Python 3.10 or later with venv, PyPI and the Postgres server binaries. Removes all it made.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# dbt-sqlite 1.10 needs dbt-adapters 1.16, which dbt-postgres 1.9 is the last to take.
packages=('dbt-core==1.10.23' 'dbt-sqlite==1.10.0' 'dbt-postgres==1.9.1')

work=$(mktemp -d)
. bi/support/servers.sh
trap 'stop_servers; rm -rf "$work"' EXIT

find_program "$@"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet --disable-pip-version-check install "${packages[@]}"

start_postgres
start_simulator
"$program" sync --database-url "sqlite:$work/onelogin.db"
"$program" sync --database-url "$(postgres_url)"

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
