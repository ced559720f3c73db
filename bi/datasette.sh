#!/usr/bin/env bash
# Opens the dashboard and the questions in a real Datasette and a real browser, and compares every number with SQL.
#
#   bi/datasette.sh                       builds the program first, and takes its demo
#   bi/datasette.sh path/to/binary        takes this one
#   bi/datasette.sh path/to/binary FILE   checks this database instead of the demo's
#
# Datasette interrupts a query after a second; on a machine that is busy with other things, SQL_TIME_LIMIT_MS may be more.
#
# Needs Python 3.10 or later with venv, and PyPI; installs Chromium with apt-get if there is none. Removes all it made.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Versions that work; a new one is a reason to look, not to fail some morning.
packages=(datasette==0.65.5 datasette-dashboards==0.8.0)

work=$(mktemp -d)
server=
. bi/support/servers.sh
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT

find_program "$@"
find_browser
if [ $# -gt 1 ]; then
    file=$(realpath "$2")
else
    (cd "$work" && "$program" demo >/dev/null)
    file=$work/demo.db
    # Texts from outside are hostile: these must appear as text.
    python3 - "$file" <<'END'
import sqlite3
import sys

with sqlite3.connect(sys.argv[1]) as database:
    database.execute("update users set display_name = display_name || ' <b class=hostile>bold</b>'")
    database.execute("update error_texts set example = example || ' <b class=hostile>bold</b>'")
END
fi

python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet --disable-pip-version-check install "${packages[@]}"
"$work/venv/bin/python" bi/datasette/metadata.py "$file" >"$work/metadata.json"

# Port 0 takes a free one, which the log names.
"$work/venv/bin/datasette" "$file" --metadata "$work/metadata.json" --port 0 \
    --setting sql_time_limit_ms "${SQL_TIME_LIMIT_MS:-1000}" >"$work/log" 2>&1 &
server=$!
# A minute: it starts within seconds, even on a busy machine.
for _ in $(seq 120); do
    url=$(sed -n 's|.*running on \(http://[^ ]*\).*|\1|p' "$work/log")
    [ -n "$url" ] && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.5
done
[ -n "$url" ] || { cat "$work/log" >&2; exit 1; }

"$work/venv/bin/python" bi/datasette/check.py "$url" "$file" "$work/metadata.json" "$browser" "$work"
