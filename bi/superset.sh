#!/usr/bin/env bash
# Imports the dashboard into a real Superset, opens it in a real browser, compares every number with SQL, and takes the
# picture of README.md: on Postgres as the role of docs/roles.sql, on SQLite, and on databases without rows.
#
#   bi/superset.sh                      builds the program first
#   bi/superset.sh path/to/binary       takes this one
#
# SUPERSET_VENV may name a virtual environment that has the packages below, which otherwise takes minutes to make.
#
# Needs Python 3.10 or later with venv, PyPI, curl and the Postgres server binaries; installs Chromium, psql and sqlite3
# with apt-get if there are none. Removes all it made but the picture.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Versions that work. Superset 6.1.0 does not start without the second line, which its own list leaves out.
packages=(apache-superset==6.1.0 psycopg2-binary==2.9.13 playwright==1.65.1
    rich==15.0.0 cachetools==8.0.2 flask-caching==2.3.1)

work=$(mktemp -d)
superset=
. bi/support/servers.sh
stop() {
    [ -z "$superset" ] || { kill "$superset" 2>/dev/null && wait "$superset" || true; }
    stop_servers
    rm -rf "$work"
}
trap stop EXIT

find_program "$@"
find_browser
need postgresql-client psql
need sqlite3 sqlite3

venv=${SUPERSET_VENV:-}
if [ -z "$venv" ]; then
    venv=$work/venv
    python3 -m venv "$venv"
    "$venv/bin/pip" --quiet --disable-pip-version-check install "${packages[@]}"
fi

# The readers' role needs its password, as it would elsewhere.
start_postgres 'host all onelogin_reader 127.0.0.1/32 scram-sha-256'
psql -q -c 'create database onelogin' -c 'create database empty'

# The demo's history in the account `demo`; and without successes, by the older API, in a second account, whose cases
# are therefore `unknown`.
start_simulator
for database in "sqlite:$work/onelogin.db" "$(postgres_url onelogin)"; do
    "$program" sync --database-url "$database" --source events --account demo
    "$program" sync --database-url "$database" --source legacy --account second
done
for database in "sqlite:$work/empty.db" "$(postgres_url empty)"; do
    "$program" migrate --database-url "$database" >/dev/null
done
# Texts from outside are hostile: this must appear as text.
hostile="update error_texts set example = example || ' <b class=hostile>bold</b>'"
sqlite3 "$work/onelogin.db" "$hostile"
psql -q -d onelogin -c "$hostile"

# The export in the repository is what build.py makes of content.py and the data dictionary.
PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" bi/superset/build.py "$work/empty.db" "$work/built"
diff -r "$work/built" bi/superset/onelogin || fail "bi/superset/onelogin is old: run bi/superset/build.py"

# As docker-compose.yml does it.
password=$("$venv/bin/python" -c 'import secrets; print(secrets.token_urlsafe(16))')
for database in onelogin empty; do
    psql -q -d "$database" -v ON_ERROR_STOP=1 -v "password=$password" -f docs/roles.sql -f bi/superset/prepare.sql
done
by_postgres() { echo "postgresql+psycopg2://$1@127.0.0.1:$PGPORT/$2?options=-c%20timezone%3DUTC"; }
by_sqlite() { echo "sqlite:///file:$work/$1.db?mode=ro&uri=true"; }

listen=127.0.0.1:$(free_port)
mkdir "$work/home"
export PYTHONDONTWRITEBYTECODE=1 TZ=UTC PATH="$venv/bin:$PATH"
export SUPERSET_HOME=$work/home SUPERSET_BIND=$listen SUPERSET_ALLOW_SQLITE=true
SUPERSET_METADATA_URI=$(by_postgres postgres superset)
SUPERSET_DATA_URI=$(by_postgres "onelogin_reader:$password" onelogin)
export SUPERSET_METADATA_URI SUPERSET_DATA_URI
bi/superset/start.sh >"$work/log" 2>&1 &
superset=$!
# Five minutes: it starts within one, but a busy machine takes its time.
for _ in $(seq 600); do
    curl --silent --fail "http://$listen/health" >/dev/null && break
    kill -0 "$superset" 2>/dev/null || { cat "$work/log" >&2; fail "Superset did not start"; }
    sleep 0.5
done

# The first is as it was imported at the start; the others are uploaded in its place.
python bi/superset/check.py "http://$listen" "$browser" docs/images/dashboard.png \
    postgres - "$(by_postgres postgres onelogin)" \
    sqlite "$(by_sqlite onelogin)" "$(by_sqlite onelogin)" \
    empty-postgres "$(by_postgres "onelogin_reader:$password" empty)" "$(by_postgres postgres empty)" \
    empty-sqlite "$(by_sqlite empty)" "$(by_sqlite empty)" \
    || { grep -B 30 -A 30 Traceback "$work/log" | tail -n 200 >&2; exit 1; }
