#!/usr/bin/env python3
"""Times each view's questions on a year of failures, in both databases.

    benches/views.py --program target/release/onelogin-sync --postgres-url postgres://… [--failures 1000000]

The database that the URL names must be empty. Failures and half as many successes are inserted by SQL, one failure in
ten as a twin of another source; `migrate --rebuild` derives the rest. Each question is put to one account: a month by
app, by day, the latest 100 rows, and the count; to open cases also over all time. The table has the fastest of
--rounds, in milliseconds. A plan that Postgres compiles (JIT) is noted. The last row is the whole `report` command.
"""

import argparse
import json
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

SECONDS_FROM = 1_735_689_600  # 2025-01-01
YEAR = 365 * 86_400
MONTH = "2025-12-01"

# View, column of its time, and whether there are questions over all time too.
VIEWS = [
    ("failures", "created_at", False),
    ("failure_details", "created_at", False),
    ("cases", "opened_at", False),
    ("open_cases", "opened_at", True),
    ("open_failures", "created_at", False),
    ("outstanding_deprovisioning", "opened_at", True),
    ("retry_list", "last_failure_at", True),
    ("failures_daily", "day", False),
    ("backlog_daily", "day", False),
    ("success_rate", "day", False),
    ("failures_by_app", None, True),
    ("failures_by_error_class", None, True),
    ("repeat_users", None, True),
    ("app_incidents", "started_at", False),
    ("time_to_resolve", "month", False),
    ("person_timeline", "created_at", False),
    ("new_errors", None, True),
    ("silent_apps", None, True),
    ("data_quality", None, True),
    ("sync_health", None, True),
    ("coverage_gaps", "gap_to", True),
    ("lateness", None, True),
    ("ocsf_account_change", "created_at", False),
]
WITHOUT_APP = {"failures_by_error_class", "repeat_users", "new_errors", "data_quality", "sync_health", "coverage_gaps", "lateness"}


class Sqlite:
    name = "SQLite"

    def __init__(self, file):
        self.url = f"sqlite:{file}"
        self.file = file

    def execute(self, sql):
        with sqlite3.connect(self.file) as connection:
            connection.executescript(f"begin; {sql}; commit")

    def milliseconds(self, sql):
        with sqlite3.connect(self.file) as connection:
            started = time.perf_counter()
            connection.execute(sql).fetchall()
            return (time.perf_counter() - started) * 1000, ""

    def numbers(self, to):
        return f"(with recursive n(n) as (select 1 union all select n + 1 from n where n < {to}) select n from n) n"

    def at(self, ms):
        return f"strftime('%Y-%m-%d %H:%M:%S', ({ms}) / 1000, 'unixepoch') || printf('.%03d+00:00', ({ms}) % 1000)"

    def id(self, ms, n, kind):
        ms = f"printf('%012x', {ms})"
        return f"printf('%s-%s-8{kind}00-8000-%012x', substr({ms}, 1, 8), substr({ms}, 9), {n})"

    def day(self, column):
        return f"date({column})"


class Postgres:
    name = "Postgres"

    def __init__(self, url):
        self.url = url

    def psql(self, *sql):
        command = ["psql", self.url, "-qAt", "-v", "ON_ERROR_STOP=1", *(part for s in sql for part in ("-c", s))]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def execute(self, sql):
        self.psql(sql)

    def milliseconds(self, sql):
        plan = json.loads(self.psql(f"explain (analyze, timing off, format json) {sql}"))[0]
        return plan["Planning Time"] + plan["Execution Time"], " JIT" if "JIT" in plan else ""

    def numbers(self, to):
        return f"generate_series(1::bigint, {to}) n(n)"

    def at(self, ms):
        return f"to_timestamp(({ms}) / 1000.0)"

    def id(self, ms, n, kind):
        return f"(lpad(to_hex({ms}), 12, '0') || '8{kind}008000' || lpad(to_hex({n}), 12, '0'))::uuid"

    def day(self, column):
        return f"({column} at time zone 'UTC')::date"


def fill(db, failures):
    """Inserts a year: 50,000 people, 40 apps, 8 errors in each."""
    ms = f"{SECONDS_FROM}000 + n * {YEAR * 1000 // failures} + (n * 7919) % 997"
    one = f"""select n, {{ms}} as ms, 1 + (m * 7919 + m / 50000) % 50000 as person, (m * 31 + m / 97) % 40 as app,
        case (m / 7) % 5 when 0 then 'create' when 1 then 'update' when 2 then 'delete' when 3 then 'reactivate'
            else 'suspend' end as operation, (m * 17 + m / 1013) % 8 as error"""
    failure = one.format(ms=ms) + f" from (select n, n as m from {db.numbers(failures)}) n"
    # A success up to three days after every other failure.
    success = one.format(ms=ms.replace("n *", "2 * n *") + " + (n % 259200) * 1000 + 5000")
    success += f" from (select n, 2 * n as m from {db.numbers(failures // 2)}) n"
    raw = "'{\"id\":' || n || ',\"padding\":\"" + "x" * 300 + "\"}'"
    raw = f"cast({raw} as json)" if db.name == "Postgres" else raw
    run = "'01485c85-7438-8a60-871a-000000000000'"
    end = f"{SECONDS_FROM + YEAR}000"
    columns = "account, {key}, source, source_id, user_id, operation, app_id, app_name, event_type_id, created_at, created_at_raw, raw, content_hash, first_seen_at, synced_at, run_id"
    for source, kind, app_id, where in [("events", 1, "app + 1", "n > 0"), ("legacy", 2, "null", "n % 10 = 0")]:
        db.execute(
            f"""insert into provisioning_failures ({columns.format(key='failure_id')}, operation_source, error_description, is_late)
            select 'default', {db.id('ms', 'n', kind)}, '{source}', n, person, operation, {app_id}, 'App ' || app, 61,
                {db.at('ms')}, '', {raw}, n, {db.at('ms + 60000')}, {db.at('ms')}, {run}, 'event_type',
                'App ' || app || substr(' refuses  is too slow  is gone  has no licence', cast(1 + error * 5 as integer), 9) || ' for this user',
                n % 50 = 0 from ({failure}) f where {where} and ms < {end}"""
        )
    db.execute(
        f"""insert into provisioning_successes ({columns.format(key='success_id')})
        select 'default', {db.id('ms', 'n', 3)}, 'events', n, person, operation, app + 1, 'App ' || app, 51,
            {db.at('ms')}, '', {raw}, n, {db.at('ms')}, {db.at('ms')}, {run} from ({success}) s where ms < {end}"""
    )
    last, first = db.at(end), db.at(f"{SECONDS_FROM + 60 * 86_400}000")
    db.execute(
        f"""insert into users (account, user_id, email, username, display_name, last_failure_id, last_failure_at, first_seen_at, synced_at, run_id)
        select 'default', n, 'user' || n || '@example.com', 'user' || n, 'User ' || n, {run}, {last}, {last}, {last}, {run}
        from {db.numbers(50_000)}"""
    )
    for source, since in [("events", first), ("legacy", "null")]:
        through = last if source == "events" else "null"
        db.execute(
            f"""insert into watermarks (account, source, scanned_through, lease_token, updated_at, successes_from, successes_through)
            values ('default', '{source}', {last}, 1, {last}, {since}, {through})"""
        )
    db.execute("insert into accounts (account) values ('default')")


def prepare(db, program, failures):
    """Makes the tables, fills them and derives cases and counts."""
    migrate = [program, "migrate", "--database-url", db.url]
    subprocess.run(migrate, check=True, stdout=subprocess.DEVNULL)
    fill(db, failures)
    subprocess.run([*migrate, "--rebuild"], check=True, stdout=subprocess.DEVNULL)
    if db.name == "Postgres":
        db.execute("vacuum analyze")


def questions(db, view, column, is_all):
    """The questions to a view, each with its name."""
    account = "account = 'default'"
    if column:
        since = MONTH if column in ("day", "month") else f"{MONTH} 00:00:00.000+00:00"
        day = column if column in ("day", "month") else db.day(column)
        month = f"from {view} where {account} and {column} >= '{since}'"
        if view not in WITHOUT_APP:
            yield "by app", f"select app_name, count(*) {month} group by app_name"
        yield "by day", f"select {day}, count(*) {month} group by 1"
        yield "latest", f"select * {month} order by {column} desc limit 100"
        yield "count", f"select count(*) {month}"
    if is_all:
        everything = f"from {view} where {account}"
        if view not in WITHOUT_APP:
            yield "all by app", f"select app_name, count(*) {everything} group by app_name"
        order = f" order by {column} desc" if column else ""
        yield "all latest", f"select * {everything}{order} limit 100"
        yield "all count", f"select count(*) {everything}"


def report(db, program, rounds):
    """The fastest of some reports in milliseconds, from the start of the process to its end, and the page's size."""
    times = []
    with tempfile.TemporaryDirectory() as directory:
        page = Path(directory) / "report.html"
        for _ in range(rounds):
            started = time.perf_counter()
            command = [program, "report", "--out", page, "--database-url", db.url]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times.append((time.perf_counter() - started) * 1000)
        return f"{min(times):.0f}, a page of {page.stat().st_size / 1024:,.0f} KB"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--postgres-url")
    parser.add_argument("--failures", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        databases = [Sqlite(Path(directory) / "views.db")]
        if options.postgres_url:
            databases.append(Postgres(options.postgres_url))
        for db in databases:
            prepare(db, options.program, options.failures)
            print(f"\n## {db.name}, {options.failures:,} failures\n\n| view | milliseconds |\n|---|---|")
            for view, column, is_all in VIEWS:
                cells = []
                for name, sql in questions(db, view, column, is_all):
                    best, note = min(db.milliseconds(sql) for _ in range(options.rounds))
                    cells.append(f"{name} {best:.0f}{note}")
                print(f"| `{view}` | {', '.join(cells)} |", flush=True)
            print(f"| `onelogin-sync report` | {report(db, options.program, options.rounds)} |", flush=True)


if __name__ == "__main__":
    main()
