"""Loads failures from a file into SQLite, and reads them as the users of other tools do.

    readers.py path/to/onelogin-sync path/to/apache_superset.whl folder

Each reader must find the columns of times, count the same failures per day, and compare times as they
are, at midnight and to the millisecond. What was loaded is compared, not what SQLite returns.
"""

import ast
import collections
import datetime
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import zipfile

import duckdb
import duckdb_extension_sqlite_scanner
import pandas
import sqlalchemy
import sqlite_utils

UTC = datetime.timezone.utc
DAY = datetime.timedelta(days=1)
MILLISECOND = datetime.timedelta(milliseconds=1)
FIRST_DAY = datetime.datetime(2025, 12, 27, tzinfo=UTC)
DAYS = 12
# Views that read failures, whose `created_at` is a column of a table.
VIEWS = ["failures", "failure_details"]
TABLE = "provisioning_failures"
# What a view computes has no declared type in SQLite, so that no tool finds a time in it.
COMPUTED = {
    "failures_by_app.last_failure_at",
    "failures_by_error_class.last_failure_at",
    "outstanding_deprovisioning.due_at",
    "repeat_users.first_failure_at",
    "repeat_users.last_failure_at",
}


def times():
    """Instants of failures: the edges of each day, and some between them."""
    for number in range(DAYS):
        midnight = FIRST_DAY + number * DAY
        yield from (midnight, midnight + MILLISECOND, midnight + DAY - MILLISECOND)
        for minute in range(0, 24 * 60, 97 + number):
            yield midnight + datetime.timedelta(minutes=minute, milliseconds=250 * (minute % 4) + 3)


def record(number, time):
    # Every other one in a zone in which it is another day.
    zone = datetime.timezone(datetime.timedelta(hours=(-9, 0, 9)[number % 3]))
    return {
        "login_id": 500 + number, "id": 9000 + number,
        "created_at": time.astimezone(zone).isoformat(timespec="milliseconds"),
        "description": "Ada Lane could not be suspended in Sales App",
        "error_description": "The connection timed out",
        "user": {"id": 100 + number % 40, "email": "ada@example.test", "username": "ada",
                 "firstname": "Ada", "lastname": "Lane"},
    }


def load(program, folder, loaded):
    saved, file = folder / "saved.json", folder / "readers.db"
    saved.write_text(json.dumps([record(*each) for each in enumerate(loaded)]))
    environment = {"PATH": os.environ["PATH"], "ONELOGIN_ACCOUNT": "readers"}
    url = f"sqlite:{file}"
    subprocess.run(
        [program, "sync", "--database-url", url, "--source", "legacy", "--from-file", saved,
         "--log-level", "warn"],
        env=environment, check=True, cwd=folder,
    )
    return file


def equal(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: found {found}\n  expected {expected}")


def per_day(loaded):
    return dict(sorted(collections.Counter(time.date() for time in loaded).items()))


def spans(loaded):
    """Half-open spans, with the number of failures in each."""
    third = FIRST_DAY + 3 * DAY
    for start, end in [
        (third, third + DAY),
        (third + MILLISECOND, third + 2 * DAY),
        (third - MILLISECOND, third),
        (third, third + MILLISECOND),
    ]:
        yield start, end, sum(start <= time < end for time in loaded)


def read_only(file):
    """An engine of SQLAlchemy that can only read the file, which is tried."""
    engine = sqlalchemy.create_engine(f"sqlite:///file:{file}?mode=ro&uri=true")
    with engine.connect() as connection:
        try:
            connection.execute(sqlalchemy.text("delete from users"))
        except sqlalchemy.exc.OperationalError as error:
            assert "readonly database" in str(error), error
            return engine
    sys.exit("a read-only engine has written")


def with_pandas(file, loaded):
    engine = read_only(file)
    frames = {TABLE: pandas.read_sql_table(TABLE, engine)}
    with sqlite3.connect(file) as connection:
        for view in VIEWS:
            question = f"select * from {view}"
            frames[view] = pandas.read_sql_query(question, connection, parse_dates=["created_at"])
    for name, frame in frames.items():
        created = frame["created_at"]
        equal(f"pandas, {name}, zone", str(created.dt.tz), "UTC")
        equal(f"pandas, {name}", sorted(created.dt.to_pydatetime()), sorted(loaded))
        days = created.groupby(created.dt.date).count()
        equal(f"pandas, {name}, days", days.to_dict(), per_day(loaded))
        for start, end, expected in spans(loaded):
            found = int(((created >= start) & (created < end)).sum())
            equal(f"pandas, {name}, from {start} to {end}", found, expected)


def with_duckdb(file, loaded):
    package = pathlib.Path(duckdb_extension_sqlite_scanner.__file__).parent
    (extension,) = package.glob("extensions/*/sqlite_scanner.duckdb_extension")
    connection = duckdb.connect()
    connection.execute(f"load '{extension}'")
    connection.execute(f"attach '{file}' as synced (type sqlite, read_only)")
    # DuckDB reads a view of an attached file by translating its text; `sqlite_scan` leaves it to SQLite.
    places = [f"synced.{TABLE}"] + [f"sqlite_scan('{file}', '{name}')" for name in [TABLE, *VIEWS]]
    for place in places:
        def ask(question):
            return connection.execute(question.format(place=place)).fetchall()

        columns = dict(row[:2] for row in ask("describe select * from {place}"))
        equal(f"DuckDB, {place}, type", columns["created_at"], "TIMESTAMP")
        days = ask("select cast(created_at as date), count(*) from {place} group by 1 order by 1")
        equal(f"DuckDB, {place}, days", dict(days), per_day(loaded))
        truncated = ask(
            "select date_trunc('day', created_at)::date, count(*) from {place} group by 1 order by 1"
        )
        equal(f"DuckDB, {place}, truncated", dict(truncated), per_day(loaded))
        for start, end, expected in spans(loaded):
            span = [f"timestamp '{each:%Y-%m-%d %H:%M:%S.%f}'" for each in (start, end)]
            question = "select count(*) from {place} where created_at >= %s and created_at < %s"
            (found,) = ask(question % tuple(span))[0]
            equal(f"DuckDB, {place}, from {start} to {end}", found, expected)
            question = "select count(*) from {place} where created_at = %s"
            (found,) = ask(question % span[0])[0]
            equal(f"DuckDB, {place}, at {start}", found, loaded.count(start))


def text(time):
    return time.isoformat(sep=" ", timespec="milliseconds")


def with_sqlite_utils(file, loaded):
    database = sqlite_utils.Database(file)
    for name in [TABLE, *VIEWS]:
        rows = list(database[name].rows_where(select="created_at", order_by="created_at"))
        found = [datetime.datetime.fromisoformat(row["created_at"]) for row in rows]
        equal(f"sqlite-utils, {name}", found, sorted(loaded))
        question = f"select date(created_at) as day, count(*) as n from {name} group by 1"
        days = database.query(question)
        days = {datetime.date.fromisoformat(row["day"]): row["n"] for row in days}
        equal(f"sqlite-utils, {name}, days", days, per_day(loaded))
        for start, end, expected in spans(loaded):
            where = "created_at >= ? and created_at < ?"
            found = database[name].count_where(where, [text(start), text(end)])
            equal(f"sqlite-utils, {name}, from {start} to {end}", found, expected)
    equal("sqlite-utils, type", database[TABLE].columns[10].type.lower(), "datetime")


class Expressions:
    """The part of Superset that makes SQL for SQLite, compiled from its own text."""

    def __init__(self, wheel):
        with zipfile.ZipFile(wheel) as files:
            source = files.read("superset/db_engine_specs/sqlite.py").decode()
        specification = next(
            node for node in ast.parse(source).body
            if isinstance(node, ast.ClassDef) and node.name == "SqliteEngineSpec"
        )
        self.grains = {}
        for node in specification.body:
            targets = getattr(node, "targets", [])
            if targets and getattr(targets[0], "id", "") == "_time_grain_expressions":
                for key, value in zip(node.value.keys, node.value.values):
                    self.grains[getattr(key, "attr", None)] = ast.literal_eval(value)
        (method,) = (
            node for node in specification.body
            if isinstance(node, ast.FunctionDef) and node.name == "convert_dttm"
        )
        method.decorator_list = []
        module = ast.Module([method], type_ignores=[])
        future = ast.parse("from __future__ import annotations").body
        names = {"types": sqlalchemy.types}
        exec(compile(ast.Module(future + module.body, []), "convert_dttm", "exec"), names)
        self.convert = names["convert_dttm"]

    def literal(self, time):
        """A time as Superset writes it into a filter on a column declared datetime."""
        return self.convert(self, "DATETIME", time.replace(tzinfo=None))

    @staticmethod
    def get_sqla_column_type(_):
        return sqlalchemy.types.DateTime()


def starts(time):
    """The start of the span of each grain that the time is in."""
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - time.weekday() * DAY
    sunday = midnight - (time.weekday() + 1) % 7 * DAY
    month = midnight.replace(day=1)
    return {
        "SECOND": time.replace(microsecond=0),
        "MINUTE": time.replace(second=0, microsecond=0),
        "FIFTEEN_MINUTES": time.replace(minute=time.minute // 15 * 15, second=0, microsecond=0),
        "HOUR": time.replace(minute=0, second=0, microsecond=0),
        "SIX_HOURS": midnight.replace(hour=time.hour // 6 * 6),
        "DAY": midnight,
        "WEEK": sunday,
        "WEEK_STARTING_MONDAY": monday,
        "MONTH": month,
        "QUARTER": month.replace(month=(time.month - 1) // 3 * 3 + 1),
        "YEAR": month.replace(month=1),
    }


def with_superset(file, loaded, wheel):
    engine = read_only(file)
    inspector = sqlalchemy.inspect(engine)
    found, checked = set(), 0
    for name in inspector.get_table_names() + inspector.get_view_names():
        for column in inspector.get_columns(name):
            if column["name"].endswith("_at"):
                checked += 1
                if not isinstance(column["type"], sqlalchemy.types.DateTime):
                    found.add(f"{name}.{column['name']}")
    equal("columns of times that Superset does not find", found, COMPUTED)
    assert checked > 40, f"only {checked} columns of times"

    expressions = Expressions(wheel)
    with sqlite3.connect(file) as connection:
        for name in [TABLE, *VIEWS]:
            for grain in starts(FIRST_DAY):
                expression = expressions.grains[grain].format(col="created_at")
                question = f"select {expression}, count(*) from {name} group by 1"
                expected = collections.Counter(
                    starts(time)[grain].isoformat(sep=" ")[:19] for time in loaded
                )
                equal(f"Superset, {name}, {grain}", dict(connection.execute(question)), expected)
            for quarter in range(4 * DAYS):
                start = FIRST_DAY + quarter * DAY / 4
                end = start + DAY / 4
                span = (expressions.literal(start), expressions.literal(end))
                question = f"select count(*) from {name} where created_at >= %s and created_at < %s"
                (found,) = connection.execute(question % span).fetchone()
                expected = sum(start <= time < end for time in loaded)
                equal(f"Superset, {name}, {span}", found, expected)
    return checked


def main():
    program, wheel, folder = (pathlib.Path(each) for each in sys.argv[1:])
    loaded = list(times())
    file = load(program, folder, loaded)
    with_pandas(file, loaded)
    print(f"pandas {pandas.__version__}: {len(loaded)} failures on {DAYS} days")
    with_duckdb(file, loaded)
    print(f"DuckDB {duckdb.__version__}: the same, from the attached file and by sqlite_scan")
    with_sqlite_utils(file, loaded)
    print("sqlite-utils: the same")
    checked = with_superset(file, loaded, wheel)
    superset, _, _ = wheel.stem.partition("-py")
    grains = len(starts(FIRST_DAY))
    print(f"{superset}: {checked} columns of times, {grains} grains, filters of six hours")


main()
