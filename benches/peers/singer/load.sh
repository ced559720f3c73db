#!/usr/bin/env bash
# The usual Singer pipe: the tap's records into a target, and the last state that the target gives back.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
state=$BENCH_STATE/state.json

cat >"$BENCH_STATE/tap.json" <<JSON
{"url": "$BENCH_URL", "key": "$BENCH_KEY", "start_date": "$BENCH_SINCE"}
JSON
case $BENCH_DATABASE in
postgres)
    target=("$BENCH_VENVS/singer/bin/target-postgres")
    # Its fastest way: COPY, large batches, and no check of each record against the schema.
    cat >"$BENCH_STATE/target.json" <<JSON
{"sqlalchemy_url": "${BENCH_TO/postgres:/postgresql+psycopg:}", "default_target_schema": "public",
 "load_method": "upsert", "use_copy": true, "batch_size_rows": 100000, "validate_records": false,
 "add_record_metadata": false, "activate_version": false}
JSON
    ;;
sqlite)
    target=("$BENCH_VENVS/singer-target-sqlite/bin/python" "$here/target_sqlite_today.py")
    # It appends `.db` to the name by itself.
    printf '{"database": "%s"}' "${BENCH_TO%.db}" >"$BENCH_STATE/target.json"
    ;;
esac

start=()
[ -s "$state" ] && start=(--state "$state")
"$BENCH_VENVS/singer/bin/python" "$here/tap_onelogin.py" --config "$BENCH_STATE/tap.json" "${start[@]}" |
    "${target[@]}" --config "$BENCH_STATE/target.json" >"$BENCH_STATE/states"
tail -n 1 "$BENCH_STATE/states" >"$state.new"
[ ! -s "$state.new" ] || mv "$state.new" "$state"
