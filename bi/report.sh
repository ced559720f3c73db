#!/usr/bin/env bash
# Opens the report in a real browser: light and dark, at the widths of a phone and of a desktop, and as print.
# Compares its numbers with SQL, from both databases, and takes the picture of README.md.
#
#   bi/report.sh                      builds the program first
#   bi/report.sh path/to/binary       takes this one
#   bi/report.sh path/to/binary URL   checks the report of this database instead of the demo's, without a picture
#
# Needs Node.js 20 or later, npm and the Postgres server binaries; installs Chromium, sqlite3 and psql with apt-get if
# there are none.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Versions that work; a new one is a reason to look, not to fail some morning.
packages=(playwright-core@1.65.1 axe-core@4.14.1)

work=$(mktemp -d)
. bi/support/servers.sh
trap 'stop_servers; rm -rf "$work"' EXIT

find_program "$@"
find_browser
(cd "$work" && npm install --silent --no-audit --no-fund --no-save "${packages[@]}" >&2)
cp bi/report/check.mjs "$work/"

# Asks the database at `url`.
ask() {
    case $url in
    sqlite:*) sqlite3 -readonly "${url#sqlite:}" "$1" ;;
    *) psql "$url" -XAtq -F '|' -c "$1" ;;
    esac
}

# Checks the report of the database at `url`, and that of the one without rows at `empty`. Takes a picture if it is
# given a place for it.
check_report() {
    local since until picture=${1:-}
    echo "-- ${url%%:*}"
    export DATABASE_URL=$url
    "$program" report --out "$work/report.html" --format json >"$work/outcome.json"
    cat "$work/outcome.json"
    "$program" report --out "$work/no-people.html" --no-people
    "$program" migrate --database-url "$empty" >/dev/null
    "$program" report --database-url "$empty" --out "$work/empty.html"

    # The same numbers, straight from the views.
    since=$(sed 's/.*"first_day":"\([^"]*\)".*/\1/' "$work/outcome.json")
    until=$(sed 's/.*"last_day":"\([^"]*\)".*/\1/' "$work/outcome.json")
    while IFS='=' read -r name sql; do
        printf '%s=%s\n' "$name" "$(ask "$sql")"
    done >"$work/expected" <<SQL
Leavers with access, open=select count(*) from outstanding_deprovisioning where status <> 'unknown'
Leavers, unknown=select count(*) from outstanding_deprovisioning where status <> 'open'
Open cases=select count(*) from open_cases where status <> 'unknown'
Failures=select coalesce(sum(failures), 0) from failures_daily where day between '$since' and '$until'
Incidents=select count(*) from app_incidents where not started_at < '$since'
rows of apps=select count(*) from failures_by_app
rows of new errors=select count(*) from new_errors
rows of resolved cases=select count(*) from time_to_resolve where not month < '${since%-*}-01'
rows of sources=select count(*) from sync_health
rows of checks=select count(*) from data_quality
SQL
    BROWSER=$browser PICTURE=$picture node "$work/check.mjs" "$work"
}

empty=sqlite:$work/empty.db
if [ $# -ge 2 ]; then
    url=$2
    case $url in
    sqlite:*) need sqlite3 sqlite3 ;;
    *) need postgresql-client psql ;;
    esac
    check_report
else
    need sqlite3 sqlite3
    need postgresql-client psql
    (cd "$work" && "$program" demo >/dev/null)
    url=sqlite:$work/demo.db
    mkdir -p docs/images
    check_report "$PWD/docs/images/report.png"

    start_postgres
    start_simulator
    psql -q -c 'create database empty'
    url=$(postgres_url) empty=$(postgres_url empty)
    "$program" sync --database-url "$url" --account demo
    check_report
fi
