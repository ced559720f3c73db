"""onelogin-sync itself."""

import contextlib
import json
import re
import subprocess
from datetime import datetime

import measure
from contender import Contender, Rows
from simulator import KEY, instant

# The steps; README.md describes each.
STEPS = ("first", "again", "no-op", "new", "quiet no-op", "quiet new")


# Failures and successes get an index that is made after them.
MADE = re.compile(r"^(\S+) +INFO .*index made index=\"provisioning_(?:failures|successes)_by_user\"", re.MULTILINE)


class Ours(Contender):
    kind = "ours"
    steps = STEPS

    def __init__(self, program, raw=None):
        self.program = program
        self.raw = raw
        self.name = f"ours, raw {raw}" if raw else "ours"
        self.label = f"onelogin-sync --raw {raw}" if raw else "onelogin-sync"

    def command(self, place, source, step):
        command = [self.program, "sync", "--source", "legacy", "--format", "json", "--log-level", "info",
                   "--base-url", source.base]
        if step in ("first", "again"):
            command += ["--since", instant(source.history.since)]
        if step.startswith("quiet"):
            # Another stand-in, on another port.
            command += ["--moved"]
        if self.raw:
            command += ["--raw", self.raw]
        return command, {"DATABASE_URL": place.url, "ONELOGIN_API_KEY": KEY}

    def rows(self, place):
        return finished_rows(place)

    def loaded(self, place, taken):
        """The time at which the last rows were committed, and the last of their tables' indexes."""
        committed = datetime.fromisoformat(place.ask("select max(committed_at) from sync_windows"))
        made = [datetime.fromisoformat(time) for time in MADE.findall(taken.err)]
        if len(made) != 2:
            raise measure.Failed("the indexes by user were not made after the rows")
        return max(committed, *made)

    def outcome(self, taken):
        with contextlib.suppress(ValueError):
            report = json.loads(taken.out)
            return {name: report.get(name) for name in
                    ("inserted", "updated", "unchanged", "rejected", "users_written", "windows", "requests")}
        return None

    def migrate(self, place):
        subprocess.run([str(self.program), "migrate", "--database-url", place.url], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def finished_rows(place):
    """Our own tables, as the truth is written."""
    at = "extract(epoch from created_at)::bigint" if place.kind == "postgres" else "strftime('%s', created_at)"
    # The floor's SQLite file has empty texts where there is nothing; see floors.py.
    user = "user_id" if place.kind == "postgres" else "nullif(user_id, '')"
    failure = ("source_id", "login_id", user, at, text("description", place), text("error_description", place))
    person = ("user_id", *(text(name, place) for name in ("email", "username", "firstname", "lastname")))
    return {
        "failures": Rows("provisioning_failures", failure, "source_id"),
        "users": Rows("(select * from users where cast(user_id as text) <> '') as people", person, "user_id"),
    }


def text(column, place):
    return column if place.kind == "postgres" else f"nullif({column}, '')"


def knows_raw(program):
    """True if this build can leave the raw record out."""
    help_text = subprocess.run([str(program), "sync", "--help"], check=True, capture_output=True, text=True)
    return "--raw" in help_text.stdout
