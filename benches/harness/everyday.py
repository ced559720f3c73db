"""Measures the everyday run: nothing new, and about 1,000 new failures, into a table of a million.

    everyday.py PROGRAM POSTGRES_BINARIES [FAILURES]

Both sources, both databases, the best of five runs of each. They do not re-read (`--overlap 0s --rescan 0s`) and ask for
no people. A run with the usual re-reading is measured beside them, by the page or by 1,000 records.
"""

import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import measure
from places import PostgresPlace, SqlitePlace
from postgres import Postgres
from simulator import KEY, History, Simulator, instant

FAILURES = 1_000_000
ROUNDS = 5
TIMEOUT = 3_600
# Milliseconds that the everyday run may take.
TARGETS = {"sqlite": (30, 80), "postgres": (40, 120)}
SOURCES = {
    "legacy": {"ONELOGIN_API_KEY": KEY},
    "events": {"ONELOGIN_CLIENT_ID": "demo-client", "ONELOGIN_CLIENT_SECRET": "demo-secret"},
}
# A first load has few pages, and an everyday run those of 50 that OneLogin gives. The hour's calls are no limit.
MANY = "100000000"
SERVED = ["--page", "1000", "--calls-per-hour", MANY]
CALLS = ["--refresh-people", "never", "--max-calls-per-hour", MANY, "--page-limit"]
NO_REREADING = ["--overlap", "0s", "--rescan", "0s"]


@dataclass
class Best:
    """The shortest of some runs, in milliseconds, with what it reported."""

    wall: float
    report: dict


class Everyday:
    def __init__(self, program, name, place, source):
        self.program, self.name, self.place, self.source = program, name, place, source

    def run(self, *arguments, page=50):
        command = [self.program, "sync", "--source", self.name, "--format", "json", "--log-level", "warn",
                   "--base-url", self.source.base]
        if self.name == "events":
            command += [*CALLS, str(page)]
        self.place.settle()
        environment = {"DATABASE_URL": self.place.url} | SOURCES[self.name]
        taken = measure.run([*command, *arguments], work=self.place.work, env=environment, timeout=TIMEOUT)
        return Best(taken.wall * 1_000, json.loads(taken.out))

    def best(self, seconds, expected, *arguments):
        """The best of the rounds, before each of which the clock moves on by some seconds."""
        runs = []
        for _ in range(ROUNDS):
            self.source.advance(seconds)
            runs.append(self.run(*arguments))
            inserted = runs[-1].report["inserted"]
            if inserted not in expected:
                raise SystemExit(f"{self.name}, {self.place.kind}: {inserted} inserted, {expected} expected")
        return min(runs, key=lambda run: run.wall)

    def measure(self):
        history = self.source.history
        self.run("--since", instant(history.since), page=1_000)
        self.place.tidy()
        # The first run after a load has some things to find out.
        self.run(*NO_REREADING)
        nothing = self.best(0, range(1), *NO_REREADING)
        new = self.best(history.seconds_for_new(), range(500, 2_000), *NO_REREADING)
        return nothing, new, *self.rereading(nothing)

    def rereading(self, nothing):
        """The time of re-reading by the page, or by 1,000 records, and how many there were."""
        again = self.run()
        field, unit = ("requests", 1) if self.name == "events" else ("fetched", 1_000)
        number = (again.report[field] - nothing.report[field]) / unit
        return (again.wall - nothing.wall) / max(number, 1), number


def line(everyday, found):
    nothing, new, by_unit, number = found
    targets = TARGETS[everyday.place.kind]
    cells = [f"{best.wall:.1f} ms (≤ {target})" for best, target in zip((nothing, new), targets)]
    unit = "page" if everyday.name == "events" else "1,000 records"
    cells += [str(new.report["inserted"]), f"{by_unit:.2f} ms per {unit}, {number:,.0f} of them"]
    return f"| {everyday.name} | {everyday.place.kind} | {' | '.join(cells)} |"


def main():
    program, binaries, *rest = sys.argv[1:]
    failures = int(rest[0]) if rest else FAILURES
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("WORK")))
    # Postgres may run as somebody else, who has to reach its data.
    folder.chmod(0o755)
    postgres = Postgres(binaries, folder)
    try:
        postgres.start()
        print(f"{failures:,} failures of 30 days; the best of {ROUNDS}\n", flush=True)
        print("| source | database | nothing new | 1,000 new | inserted | re-reading |\n|---|---|---|---|---|---|")
        for name in SOURCES:
            for place in (SqlitePlace(folder / name), PostgresPlace(postgres, name, folder / f"{name}_postgres")):
                place.make()
                with Simulator(program, History(failures), *SERVED) as source:
                    everyday = Everyday(program, name, place, source)
                    print(line(everyday, everyday.measure()), flush=True)
                place.drop()
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


main()
