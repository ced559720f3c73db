#!/usr/bin/env bash
# A good engineer's work of an afternoon, with installed tools only.
set -euo pipefail

body=$BENCH_STATE/body.json

fetch() {
    curl -sf -u "$BENCH_KEY:x" -G --data-urlencode "start_date=$1" -o "$body" "$BENCH_URL"
}

into_postgres() {
    local psql=(psql -XAtq -v ON_ERROR_STOP=1 -d "$BENCH_TO") cursor
    cursor=$("${psql[@]}" <<'SQL'
set client_min_messages = warning;
create table if not exists failures (
    id bigint, login_id text, user_id bigint, created_at timestamptz, description text, error_description text,
    primary key (id, login_id, created_at)
);
create table if not exists users (
    id bigint primary key, email text, username text, firstname text, lastname text, seen_at timestamptz
);
create table if not exists state (cursor timestamptz);
select to_char(cursor at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') from state;
SQL
    )
    fetch "${cursor:-$BENCH_SINCE}"
    # `@csv` writes null as nothing and an empty text in quotes, which is how COPY reads them.
    jq -r '.[] | [.id, .login_id, .created_at, .description, .error_description,
                  .user.id, .user.email, .user.username, .user.firstname, .user.lastname] | @csv' "$body" |
        "${psql[@]}" --single-transaction -f "$here/upsert.sql"
}

into_sqlite() {
    local cursor
    cursor=$(sqlite3 -batch "$BENCH_TO" <<'SQL'
create table if not exists failures (
    id integer, login_id text, user_id integer, created_at text, description text, error_description text,
    primary key (id, login_id, created_at)
);
create table if not exists users (
    id integer primary key, email text, username text, firstname text, lastname text, seen_at text
);
create table if not exists state (cursor text);
select cursor from state;
SQL
    )
    fetch "${cursor:-$BENCH_SINCE}"
    sqlite3 -batch -cmd ".parameter init" -cmd ".parameter set @body $body" "$BENCH_TO" <"$here/json_each.sql" >/dev/null
}

here=$(dirname "${BASH_SOURCE[0]}")
"into_$BENCH_DATABASE"
rm -f "$body"
