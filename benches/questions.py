#!/usr/bin/env python3
"""Times the queries of docs/questions.md on a year of failures, and compares their results.

    benches/questions.py --program target/release/onelogin-sync --postgres-url postgres://… [--failures 1000000]

The database that the URL names must be empty; both are filled as benches/views.py fills them, for the account that
the queries name. The table has each query's lines and the fastest of --rounds in milliseconds. Exits 1 if a query
has other rows on the other database.
"""

import argparse
import csv
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import views

PAGE = Path(__file__).parent.parent / "docs" / "questions.md"
QUESTION = re.compile(r"^### (\d+\. .*?)$.*?^```sql\n(.*?);\n```", re.M | re.S)
# A time as either database writes it: with or without a zone's minutes and trailing zeros.
TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)?\+00(:00)?")


def questions():
    """The title and the query of each question; the account is that of the filled databases."""
    return [(title, sql.replace("'demo'", "'default'")) for title, sql in QUESTION.findall(PAGE.read_text())]


def rows(db, sql):
    """The rows of a query as texts that are equal where the values are."""
    if db.name == "SQLite":
        with sqlite3.connect(db.file) as connection:
            found = connection.execute(sql).fetchall()
    else:
        command = ["psql", db.url, "-qt", "--csv", "-c", sql]
        environment = {**os.environ, "PGTZ": "UTC"}
        output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        found = csv.reader(output.splitlines())
    return [[text(value) for value in row] for row in found]


def text(value):
    if value is None:
        return ""
    value = {"t": "1", "f": "0"}.get(value, str(value))
    try:
        return f"{float(value):.4f}"
    except ValueError:
        return TIME.sub(lambda time: time[1] + (time[2] or "").rstrip("0").rstrip("."), value)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--postgres-url", required=True)
    parser.add_argument("--failures", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--filled", metavar="FILE", help="both databases are filled: this is the SQLite file")
    options = parser.parse_args()
    all_equal = True
    with tempfile.TemporaryDirectory() as directory:
        databases = [views.Sqlite(options.filled or Path(directory) / "views.db"), views.Postgres(options.postgres_url)]
        if not options.filled:
            for db in databases:
                views.prepare(db, options.program, options.failures)
        print(f"{options.failures:,} failures\n\n| question | lines | SQLite, ms | Postgres, ms | rows | equal |")
        print("|---|---|---|---|---|---|")
        for title, sql in questions():
            times = []
            for db in databases:
                best, note = min(db.milliseconds(sql) for _ in range(options.rounds))
                times.append(f"{best:.0f}{note}")
            found = [rows(db, sql) for db in databases]
            is_equal = found[0] == found[1]
            all_equal &= is_equal
            cells = [title, str(len(sql.splitlines())), *times, str(len(found[0])), "yes" if is_equal else "NO"]
            print(f"| {' | '.join(cells)} |", flush=True)
    sys.exit(not all_equal)


if __name__ == "__main__":
    main()
