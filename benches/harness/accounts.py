"""Measures one account alone in a database against the same account among 200, and 120 runs at once.

    accounts.py PROGRAM POSTGRES_BINARIES

One account is loaded from the simulator and copied to the others by SQL, day by day, as accounts that are
synced every day lie in a table. Each figure is the best of several, taken alternately from both databases.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from postgres import Postgres
from simulator import History, Simulator, instant

ACCOUNTS = 200
HISTORY = History(failures=10_000, people=500)
AT_ONCE = 120
ROUNDS = 5
# What one account may take among many, by what it takes alone; and what no user would notice.
LIMIT, UNNOTICED = 1.3, 0.005
ONE = "account_001"
CLIENT = {"ONELOGIN_CLIENT_ID": "demo-client", "ONELOGIN_CLIENT_SECRET": "demo-secret"}
# Failures and what is counted from them lie day by day, in the order in which they were written.
DAYS = {
    "provisioning_failures": "substr(cast(t.created_at as text), 1, 10)",
    "provisioning_successes": "substr(cast(t.created_at as text), 1, 10)",
    "provisioning_cases": "substr(cast(t.opened_at as text), 1, 10)",
    "failures_by_day": "t.day",
    "sync_windows": "t.window_id",
}


class Server:
    kind = "Postgres"

    def __init__(self, postgres, name):
        self.postgres, self.name = postgres, name
        postgres.create(name)
        self.url = postgres.url(name)

    def ask(self, sql):
        return [line.split("|") for line in self.postgres.ask(sql, self.name).splitlines()]

    def columns(self):
        """The columns of each table that has an account."""
        rows = self.ask(
            "select c.table_name, c.column_name from information_schema.columns c"
            " join information_schema.tables t using (table_schema, table_name)"
            " where t.table_schema = 'public' and t.table_type = 'BASE TABLE'"
            " order by c.table_name, c.ordinal_position"
        )
        return by_table(rows)

    def views(self):
        return [name for (name,) in self.ask(
            "select viewname from pg_views where schemaname = 'public' order by 1")]

    def settle(self):
        self.postgres.ask("vacuum analyze", self.name)
        self.postgres.settle()

    def seconds(self, sql):
        """The time of a query that has run once before, its rows read."""
        script = f"\\o /dev/null\n{sql};\n\\timing\n{sql};\n"
        out = subprocess.run(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url], input=script,
            check=True, capture_output=True, text=True,
        ).stdout
        return float(re.search(r"Time: ([0-9.]+) ms", out).group(1)) / 1000


class File:
    kind = "SQLite"

    def __init__(self, folder, name):
        self.path = Path(folder) / f"{name}.db"
        self.url = f"sqlite:{self.path}"

    def ask(self, sql):
        with sqlite3.connect(self.path) as connection:
            return connection.execute(sql).fetchall()

    def columns(self):
        return by_table(self.ask(
            "select m.name, c.name from sqlite_schema m, pragma_table_info(m.name) c"
            " where m.type = 'table' order by 1, c.cid"))

    def views(self):
        return [name for (name,) in self.ask("select name from sqlite_schema where type = 'view' order by 1")]

    def settle(self):
        self.ask("pragma wal_checkpoint(truncate)")

    def seconds(self, sql):
        with sqlite3.connect(self.path) as connection:
            connection.execute(sql).fetchall()
            began = time.perf_counter()
            connection.execute(sql).fetchall()
            return time.perf_counter() - began


def by_table(rows):
    tables = {}
    for table, column in rows:
        tables.setdefault(table, []).append(column)
    return {table: columns for table, columns in tables.items() if "account" in columns}


def sync(program, place, source, account, *arguments):
    return subprocess.Popen(
        [program, "sync", "--source", "events", "--page-limit", "1000", "--format", "json", "--log-level", "warn",
         "--base-url", source.base, "--account", account, *arguments],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": place.url, **CLIENT},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


def timed_sync(*arguments):
    began = time.perf_counter()
    run = sync(*arguments)
    _, errors = run.communicate()
    if run.returncode:
        sys.exit(f"exit {run.returncode}: {errors}")
    return time.perf_counter() - began


def copy_account(place):
    """Copies the rows of the one account to all others."""
    for table, columns in place.columns().items():
        others = [column for column in columns if column != "account"]
        by = f"{DAYS[table]}, n.i" if table in DAYS else "n.i"
        number = "substr(cast(1000 + n.i as text), 2)"
        place.ask(
            f"insert into {table} (account, {', '.join(others)})"
            f" with recursive n (i) as (select 2 union all select i + 1 from n where i < {ACCOUNTS})"
            f" select 'account_' || {number}, {', '.join('t.' + column for column in others)}"
            f" from {table} t cross join n where t.account = '{ONE}' order by {by}"
        )


def measure(program, alone, many, source):
    """Pairs of seconds, alone and among many, for each step and view."""
    since = instant(source.history.since)
    steps = {
        "run, nothing new": lambda place: timed_sync(program, place, source, ONE),
        "read again, 30 days": lambda place: timed_sync(program, place, source, ONE, "--since", since),
    }
    for view in many.views():
        question = f"select * from {view} where account = '{ONE}'"
        steps[f"view {view}"] = lambda place, question=question: place.seconds(question)
    for name, step in steps.items():
        pairs = [(step(alone), step(many)) for _ in range(ROUNDS)]
        yield name, min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def all_at_once(program, place, source):
    began = time.perf_counter()
    runs = [sync(program, place, source, f"account_{number:03}") for number in range(1, AT_ONCE + 1)]
    ended = [(run.communicate(), run.returncode) for run in runs]
    failed = [(code, errors) for (_, errors), code in ended if code]
    return time.perf_counter() - began, failed


def story(program, source, alone, many):
    timed_sync(program, alone, source, ONE, "--since", instant(source.history.since))
    # An everyday run, so that the daily rescan is done.
    timed_sync(program, alone, source, ONE)
    timed_sync(program, many, source, ONE, "--since", instant(source.history.since))
    timed_sync(program, many, source, ONE)
    copy_account(many)
    for place in (alone, many):
        place.settle()
    failures = many.ask("select count(*), count(distinct account) from provisioning_failures")
    print(f"\n{many.kind}: {failures[0]} failures and accounts", flush=True)
    print("| | alone | among 200 | × |\n| --- | --- | --- | --- |")
    over = []
    for name, first, second in measure(program, alone, many, source):
        print(f"| {name} | {first * 1000:,.1f} ms | {second * 1000:,.1f} ms | {second / first:.2f} |", flush=True)
        if second > max(first * LIMIT, first + UNNOTICED):
            over.append(name)
    print(f"above {LIMIT} ×: {', '.join(over) or 'nothing'}", flush=True)


def main():
    program, binaries = sys.argv[1:]
    folder = tempfile.mkdtemp(dir=os.environ.get("WORK"))
    os.chmod(folder, 0o755)
    postgres = Postgres(binaries, folder)
    try:
        postgres.start()
        with Simulator(program, HISTORY, "--calls-per-hour", "1000000") as source:
            story(program, source, File(folder, "alone"), File(folder, "many"))
            many = Server(postgres, "many")
            story(program, source, Server(postgres, "alone"), many)
            source.advance(3_600)
            connections = postgres.ask("show max_connections")
            seconds, failed = all_at_once(program, many, source)
            print(f"\n{AT_ONCE} runs at once on {connections} connections: {seconds:.1f} s, {len(failed)} failed")
            if failed:
                sys.exit(f"exit {failed[0][0]}: {failed[0][1]}")
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


main()
