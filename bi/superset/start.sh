#!/bin/sh
# Starts Superset with the dashboard in it, for docker-compose.yml and for bi/superset.sh. What is there already stays:
# a second start changes neither the password nor the database's address nor charts.
#
# From the environment:
#   SUPERSET_METADATA_URI     database of Superset's own tables
#   SUPERSET_DATA_URI         database with the views; SQLAlchemy's form
#   SUPERSET_HOME             folder for the two secrets below, unless they are given
#   SUPERSET_SECRET_KEY       key that signs sessions and encrypts passwords in the metadata
#   SUPERSET_ADMIN_PASSWORD   of the user `admin`, when it is created
#   SUPERSET_BIND             address to listen on
set -eu

here=$(cd "$(dirname "$0")" && pwd)
export SUPERSET_CONFIG_PATH="$here/superset_config.py" FLASK_APP='superset.app:create_app()'

# A secret out of its file, which is made if there is none.
secret() {
    [ -s "$1" ] || (umask 077 && python3 -c 'import secrets; print(secrets.token_urlsafe(32))' >"$1")
    cat "$1"
}
SUPERSET_SECRET_KEY=${SUPERSET_SECRET_KEY:-$(secret "$SUPERSET_HOME/secret_key")}
SUPERSET_ADMIN_PASSWORD=${SUPERSET_ADMIN_PASSWORD:-$(secret "$SUPERSET_HOME/admin_password")}
export SUPERSET_SECRET_KEY

superset db upgrade
# A user who exists is left as it is.
superset fab create-admin --username admin --password "$SUPERSET_ADMIN_PASSWORD" \
    --firstname Superset --lastname Admin --email admin@localhost
superset init
python3 "$here/bundle.py" "$SUPERSET_DATA_URI" "$SUPERSET_HOME/onelogin.zip"
superset import-dashboards --path "$SUPERSET_HOME/onelogin.zip" --username admin
# The zip has the database's password, if its address does.
rm "$SUPERSET_HOME/onelogin.zip"

exec gunicorn --bind "${SUPERSET_BIND:-0.0.0.0:8088}" --worker-class gthread --threads 20 --timeout 120 \
    'superset.app:create_app()'
