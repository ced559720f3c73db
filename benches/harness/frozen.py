"""Freezes a first load with SIGSTOP at each of its stages, and measures when the next run goes on.

    frozen.py PROGRAM POSTGRES_BINARIES

As a scheduler would, it starts the next run every few seconds until one succeeds. Then the frozen run continues:
it must end with an error and leave every row as it is.
"""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from postgres import Postgres
from simulator import KEY, History, Simulator, instant

# Long enough for a run to be caught in each of its stages.
HISTORY = History(failures=300_000, people=15_000)
# Seconds between two starts, as of a scheduler that is quick.
EVERY = 5
# Seconds; a successor that has not gone on by then is reported so.
LONGEST = 300
# Seconds within which a run reaches each stage.
PATIENCE = 120


class Server:
    """A database in Postgres, and what the frozen run does there."""

    def __init__(self, postgres, name):
        self.postgres, self.name = postgres, name
        postgres.create(name)
        self.url = postgres.url(name)

    def stage(self):
        found = self.postgres.ask(
            "select state || ' ' || query from pg_stat_activity where datname = current_database()"
            " and backend_xid is not null and application_name = 'onelogin-sync'",
            self.name,
        )
        if found.startswith("active copy"):
            return "in a copy"
        return "in a window" if found.startswith("idle in transaction") else None

    def failures(self):
        return int(self.postgres.ask("select count(*) from provisioning_failures", self.name))


class File:
    """An SQLite file, and whether the frozen run has its lock."""

    def __init__(self, folder, name):
        self.path = folder / f"{name}.db"
        self.url = f"sqlite:{self.path}"

    def stage(self):
        if not self.path.exists():
            return None
        with contextlib.closing(sqlite3.connect(self.path, timeout=0, isolation_level=None)) as connection:
            try:
                # Before there is a lease, another run can know of none.
                leases = "select 1 from watermarks where lease_owner is not null"
                if not connection.execute(leases).fetchone():
                    return None
            except sqlite3.OperationalError:
                return None
            try:
                connection.execute("begin immediate")
                connection.execute("rollback")
            except sqlite3.OperationalError as error:
                return "in a window" if "locked" in str(error) else None
        return None

    def failures(self):
        with sqlite3.connect(self.path, timeout=60) as connection:
            return connection.execute("select count(*) from provisioning_failures").fetchone()[0]


def start(program, place, source):
    return subprocess.Popen(
        [program, "sync", "--source", "legacy", "--format", "json", "--log-level", "error",
         "--base-url", source.base, "--since", instant(source.history.since)],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": place.url, "ONELOGIN_API_KEY": KEY},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )


def freeze(run, place, stage):
    """Stops the run once it is at the stage, and makes sure that it still is."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and run.poll() is None:
        if place.stage() == stage:
            run.send_signal(signal.SIGSTOP)
            if place.stage() == stage:
                return
            run.send_signal(signal.SIGCONT)
    run.kill()
    raise SystemExit(f"{place.url}: the run was never {stage}")


def story(program, place, source, stage):
    frozen = start(program, place, source)
    freeze(frozen, place, stage)
    began, exits = time.monotonic(), []
    while time.monotonic() - began < LONGEST:
        started = time.monotonic()
        run = start(program, place, source)
        out, _ = run.communicate()
        exits.append({"at": round(started - began, 1), "code": run.returncode,
                      "seconds": round(time.monotonic() - started, 1),
                      "error": json.loads(out)["error"]})
        if run.returncode == 0:
            break
        time.sleep(max(0, started + EVERY - time.monotonic()))
    succeeded = exits[-1]["code"] == 0
    if succeeded:
        frozen.send_signal(signal.SIGCONT)
    else:
        frozen.kill()
    out, _ = frozen.communicate()
    report(place, stage, exits, frozen.returncode, out)
    if not succeeded:
        last = start(program, place, source)
        last.communicate()
        print(f"  after kill: exit {last.returncode}")
    found, expected = place.failures(), HISTORY.failures
    if found != expected:
        raise SystemExit(f"{place.url}: {found} failures instead of {expected}")


def report(place, stage, exits, code, out):
    print(f"{place.url.split(':')[0]}, frozen {stage}:")
    for group in grouped(exits):
        print(f"  {group}")
    print(f"  frozen run, continued: exit {code} {json.loads(out)['error'] if out else ''}", flush=True)


def grouped(exits):
    """Runs of one exit code in a row, as one line."""
    start = 0
    for end in range(1, len(exits) + 1):
        if end == len(exits) or exits[end]["code"] != exits[start]["code"]:
            first, last = exits[start], exits[end - 1]
            longest = max(each["seconds"] for each in exits[start:end])
            yield (f"{end - start} × exit {first['code']}, started {first['at']} to {last['at']} s after,"
                   f" at most {longest} s each; {first['error'] or 'complete'}")
            start = end


def main():
    program, binaries = sys.argv[1:]
    with tempfile.TemporaryDirectory(dir=os.environ.get("WORK")) as folder:
        os.chmod(folder, 0o755)
        postgres = Postgres(binaries, folder)
        postgres.start()
        try:
            with Simulator(program, HISTORY) as source:
                story(program, Server(postgres, "copy"), source, "in a copy")
                story(program, Server(postgres, "window"), source, "in a window")
                story(program, File(Path(folder), "frozen"), source, "in a window")
        finally:
            postgres.stop()


main()
