#!/usr/bin/env bash
# sling reads APIs only with a licence, and its reader of JSON files took minutes for what its reader of CSV
# does in seconds. So a script of a few lines asks the API and writes CSV, as people do.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
venv=$BENCH_VENVS/sling
sling=$(echo "$venv"/lib/python*/site-packages/sling_linux_amd64/bin/sling-linux-amd64)
export SLING_DISABLE_TELEMETRY=true

case $BENCH_DATABASE in
postgres)
    export TO="$BENCH_TO?sslmode=disable" schema=public
    cursor=$(psql -XAtq -d "$BENCH_TO" -c "select to_char(max(created_at), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
        from failures" 2>/dev/null || true)
    ;;
sqlite)
    export TO="sqlite://$BENCH_TO" schema=main
    cursor=$(sqlite3 "$BENCH_TO" "select strftime('%Y-%m-%dT%H:%M:%SZ', max(created_at)) from failures" \
        2>/dev/null || true)
    ;;
esac

"$venv/bin/python" "$here/fetch.py" "${cursor:-$BENCH_SINCE}" "$BENCH_STATE"

cat >"$BENCH_STATE/replication.yaml" <<YAML
source: LOCAL
target: TO
defaults:
  mode: incremental
  source_options: { null_if: "\\\\N", datetime_format: "2006-01-02T15:04:05Z" }
streams:
  "file://$BENCH_STATE/failures.csv":
    object: $schema.failures
    primary_key: [id, login_id, created_at]
    source_options: { columns: { id: bigint, login_id: string, user_id: bigint, created_at: timestamp } }
  "file://$BENCH_STATE/users.csv":
    object: $schema.users
    primary_key: [id]
    source_options: { columns: { id: bigint, seen_at: timestamp } }
YAML
"$sling" run -r "$BENCH_STATE/replication.yaml"
