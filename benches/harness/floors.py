"""Lower bounds: the database's own loader on finished rows, and the download."""

import re
import subprocess

from contender import Contender
from ours import finished_rows
from simulator import KEY, instant

# One label, so that both stand in one row of a table.
OWN = "finished rows by `psql \\copy` / `sqlite3 .import`"
# People first, since failures refer to them.
TABLES = {"users": "user_id", "provisioning_failures": "failure_id"}


class Copy(Contender):
    """The rows of our own first load, by the database's loader into the same tables and indexes."""

    kind = "floor"

    def __init__(self, ours, work):
        self.ours = ours
        self.work = work

    def dumped(self, place, history):
        """The folder with the finished rows of this history, made from a first load of ours."""
        folder = self.work / f"{place.kind}-{history.failures}"
        if not folder.exists():
            raise SystemExit("the floor needs a first load of ours before it: --only ours,floors")
        return folder

    def dump(self, place, history):
        folder = self.work / f"{place.kind}-{history.failures}"
        if folder.exists():
            return
        folder.mkdir(parents=True)
        for table, order in TABLES.items():
            self.dump_table(place, table, order, folder / table)

    def rows(self, place):
        return finished_rows(place)


class PsqlCopy(Copy):
    name, label = "psql copy", OWN

    def dump_table(self, place, table, order, file):
        place.ask(f"\\copy (select * from {table} order by {order}) to '{file}'")

    def prepare(self, place, history):
        folder = self.dumped(place, history)
        self.ours.migrate(place)
        copies = [f"\\copy {table} from '{folder / table}'\n" for table in TABLES]
        (place.work / "load.sql").write_text("".join(copies))

    def command(self, place, source, step):
        return ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-d", place.url, "-f",
                place.work / "load.sql"], {}


class SqliteImport(Copy):
    name, label = "sqlite3 import", OWN

    def dump_table(self, place, table, order, file):
        with open(file, "wb") as out:
            subprocess.run(["sqlite3", "-batch", "-readonly", "-csv", str(place.file),
                            f"select * from {table} order by {order}"], check=True, stdout=out)

    def prepare(self, place, history):
        folder = self.dumped(place, history)
        self.ours.migrate(place)
        accept_empty_texts(place)
        loads = [f".import --csv {folder / table} {table}\n" for table in TABLES]
        # As the program opens the file: store/connect.rs.
        (place.work / "load.sql").write_text(
            "pragma synchronous = normal;\npragma cache_size = -4096;\npragma foreign_keys = on;\n"
            f".bail on\nbegin;\n{''.join(loads)}commit;\n")

    def command(self, place, source, step):
        return ["sqlite3", "-batch", place.file, f".read {place.work / 'load.sql'}"], {}


def accept_empty_texts(place):
    """`.import` knows no null: it gives an empty text, which the checks of a column refuse. So the floor's
    tables are the same without their checks."""
    makers = place.ask("select sql || ';' from sqlite_schema where sql is not null and tbl_name in "
                       "('users', 'provisioning_failures') order by type desc").strip()
    views = place.ask("select 'drop view ' || name || ';' from sqlite_schema where type = 'view'")
    drops = "".join(f"drop table {table};" for table in reversed(TABLES))
    place.ask(views + drops + re.sub(r" check \((?:[^()]|\([^()]*\))*\)", "", makers))


class Download(Contender):
    """The records alone, thrown away."""

    kind, name, label = "floor", "curl", "download by `curl`, thrown away"

    def command(self, place, source, step):
        since = instant(source.history.since)
        return ["curl", "-sf", "-u", f"{KEY}:x", "-o", "/dev/null", f"{source.url}?start_date={since}"], {}


def floors(ours, work):
    return {
        "postgres": [PsqlCopy(ours, work), Download()],
        "sqlite": [SqliteImport(ours, work), Download()],
    }

