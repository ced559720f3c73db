"""A good engineer's work of an afternoon: get the array, load it by upsert, keep a cursor."""

import base64
import datetime
import os
import sqlite3
import urllib.parse
import urllib.request

import orjson
import psycopg

STAGE = """
create temp table stage (
    id bigint, login_id text, created_at timestamptz, description text, error_description text,
    user_id bigint, email text, username text, firstname text, lastname text
) on commit drop
"""
POSTGRES_TABLES = """
create table if not exists failures (
    id bigint, login_id text, user_id bigint, created_at timestamptz, description text, error_description text,
    primary key (id, login_id, created_at)
);
create table if not exists users (
    id bigint primary key, email text, username text, firstname text, lastname text, seen_at timestamptz
);
create table if not exists state (cursor timestamptz);
"""
POSTGRES_UPSERTS = """
insert into failures select id, login_id, user_id, created_at, description, error_description from stage
on conflict (id, login_id, created_at) do update set
    user_id = excluded.user_id, description = excluded.description, error_description = excluded.error_description;
insert into users
select distinct on (user_id) user_id, email, username, firstname, lastname, created_at
from stage where user_id is not null order by user_id, created_at desc, id desc
on conflict (id) do update set email = excluded.email, username = excluded.username,
    firstname = excluded.firstname, lastname = excluded.lastname, seen_at = excluded.seen_at
where users.seen_at <= excluded.seen_at;
delete from state;
insert into state select max(created_at) from failures;
"""
SQLITE_TABLES = """
pragma journal_mode = wal;
pragma synchronous = normal;
create table if not exists failures (
    id integer, login_id text, user_id integer, created_at text, description text, error_description text,
    primary key (id, login_id, created_at)
);
create table if not exists users (
    id integer primary key, email text, username text, firstname text, lastname text, seen_at text
);
create table if not exists state (cursor text);
"""
SQLITE_FAILURE = """
insert into failures (id, login_id, created_at, description, error_description, user_id) values (?, ?, ?, ?, ?, ?)
on conflict do update set
    user_id = excluded.user_id, description = excluded.description, error_description = excluded.error_description
"""
SQLITE_USER = """
insert into users values (?, ?, ?, ?, ?, ?)
on conflict do update set email = excluded.email, username = excluded.username,
    firstname = excluded.firstname, lastname = excluded.lastname, seen_at = excluded.seen_at
where users.seen_at <= excluded.seen_at
"""


def fetch(since):
    url = os.environ["BENCH_URL"] + "?" + urllib.parse.urlencode({"start_date": since})
    key = base64.b64encode(f"{os.environ['BENCH_KEY']}:x".encode()).decode()
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {key}"})
    with urllib.request.urlopen(request) as response:
        return orjson.loads(response.read())


def failure(record, at):
    user = record.get("user") or {}
    return (int(record["id"]), str(record["login_id"]), at, record["description"], record["error_description"],
            user.get("id"))


def into_postgres(url):
    with psycopg.connect(url) as db:
        db.execute(POSTGRES_TABLES)
        row = db.execute("select to_char(cursor at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from state").fetchone()
        records = fetch(row[0] if row and row[0] else os.environ["BENCH_SINCE"])
        if not records:
            return
        db.execute(STAGE)
        with db.cursor().copy("copy stage from stdin") as copy:
            for record in records:
                user = record.get("user") or {}
                # Postgres reads the API's dates by itself.
                copy.write_row((*failure(record, record["created_at"]), user.get("email"), user.get("username"),
                                user.get("firstname"), user.get("lastname")))
        db.execute(POSTGRES_UPSERTS)


def instant(text):
    at = datetime.datetime.fromisoformat(text[:10].replace("/", "-") + "T" + text[11:19] + text[20:])
    return at.astimezone(datetime.timezone.utc).isoformat()


def into_sqlite(file):
    db = sqlite3.connect(file)
    db.executescript(SQLITE_TABLES)
    row = db.execute("select cursor from state").fetchone()
    records = fetch(row[0] if row else os.environ["BENCH_SINCE"])
    if not records:
        return
    failures, users = [], {}
    for record in records:
        at = instant(record["created_at"])
        row = failure(record, at)
        failures.append(row)
        if user := record.get("user"):
            known = users.get(user["id"])
            if known is None or known[5] <= at:
                users[user["id"]] = (user["id"], user["email"], user["username"], user["firstname"],
                                     user["lastname"], at)
    with db:
        db.executemany(SQLITE_FAILURE, failures)
        db.executemany(SQLITE_USER, users.values())
        db.execute("delete from state")
        db.execute("insert into state values (?)", (max(row[2] for row in failures),))


if os.environ["BENCH_DATABASE"] == "postgres":
    into_postgres(os.environ["BENCH_TO"])
else:
    into_sqlite(os.environ["BENCH_TO"])
