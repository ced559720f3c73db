#!/usr/bin/env bash
# Opens the report in a real browser: light and dark, at the widths of a phone and of a desktop, and as print.
# Compares its numbers with SQL, and takes the picture of README.md.
#
#   bi/report.sh                      builds the program first
#   bi/report.sh path/to/binary       takes this one
#   bi/report.sh path/to/binary URL   checks the report of this database instead of the demo's, without a picture
#
# Needs Node.js 20 or later and npm; installs Chromium with apt-get if there is none. A database in Postgres
# needs psql, an SQLite file sqlite3.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Versions that work; a new one is a reason to look, not to fail some morning.
packages=(playwright-core@1.65.1 axe-core@4.14.1)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

print_line() { echo "bi/report.sh: $*" >&2; }

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

find_command() {
    local name
    for name in "$@"; do command -v "$name" && return; done
    return 1
}

install() {
    command -v apt-get >/dev/null || { print_line "$1 is missing; install it and run this again"; exit 1; }
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$1" >&2
}

find_command chromium chromium-browser google-chrome >/dev/null || install chromium
browser=$(find_command chromium chromium-browser google-chrome)

program=${1:-}
if [ -z "$program" ]; then
    cargo build --quiet --bin onelogin-sync
    program=${CARGO_TARGET_DIR:-target}/debug/onelogin-sync
fi
program=$(realpath "$program")

picture=
if [ $# -ge 2 ]; then
    url=$2
else
    (cd "$work" && "$program" demo >/dev/null)
    url=sqlite:$work/demo.db
    mkdir -p docs/images
    picture=docs/images/report.png
fi

case $url in
sqlite:*)
    find_command sqlite3 >/dev/null || install sqlite3
    ask() { sqlite3 -readonly "${url#sqlite:}" "$1"; }
    ;;
*)
    find_command psql >/dev/null || install postgresql-client
    ask() { psql "$url" -XAtq -F '|' -c "$1"; }
    ;;
esac

# The report, its short form, and that of a database without rows.
export DATABASE_URL=$url
"$program" report --out "$work/report.html" --format json >"$work/outcome.json"
cat "$work/outcome.json"
"$program" report --out "$work/no-people.html" --no-people
empty=sqlite:$work/empty.db
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

(cd "$work" && npm install --silent --no-audit --no-fund --no-save "${packages[@]}" >&2)
cp bi/report/check.mjs "$work/"
BROWSER=$browser PICTURE=${picture:+$PWD/$picture} node "$work/check.mjs" "$work"
