#!/usr/bin/env bash
# ingestr loads one table from one address, so the people are drawn from it with SQL.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
ingestr=$BENCH_VENVS/ingestr/bin/ingestr

case $BENCH_DATABASE in
postgres)
    to=$BENCH_TO?sslmode=disable table=public.failures key=(id login_id created_at)
    ask() { psql -XAtq -v ON_ERROR_STOP=1 -d "$BENCH_TO" "$@"; }
    cursor=$(ask -c "select to_char(max(created_at), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from failures" \
        2>/dev/null || true)
    ;;
sqlite)
    to=sqlite:///$BENCH_TO table=main.failures
    # The time is no part of the key: a second run writes it differently (see users.sqlite.sql).
    key=(id login_id)
    cursor=$(sqlite3 "$BENCH_TO" "select strftime('%Y-%m-%dT%H:%M:%SZ', max(created_at)) from failures" \
        2>/dev/null || true)
    ;;
esac
since=${cursor:-$BENCH_SINCE}

"$ingestr" ingest --yes --progress log \
    --source-uri "${BENCH_URL/:\/\//://$BENCH_KEY:x@}?start_date=$since" --source-table failures \
    --dest-uri "$to" --dest-table "$table" \
    --incremental-strategy merge "${key[@]/#/--primary-key=}" \
    --columns id:bigint,login_id:string

case $BENCH_DATABASE in
postgres) ask --single-transaction -v since="$since" -f "$here/users.postgres.sql" ;;
sqlite) sqlite3 -batch -cmd ".parameter init" -cmd ".parameter set @since '$since'" "$BENCH_TO" <"$here/users.sqlite.sql" ;;
esac
