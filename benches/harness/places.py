"""An empty database to load into, and a look at what is in it afterwards."""

import contextlib
import hashlib
import os
import shutil
import subprocess

import measure

# Between the columns of a row that is compared, and for a null: neither is in any record.
BETWEEN, NULL = "\x1f", "∅"


class PostgresPlace:
    kind = "postgres"

    def __init__(self, server, name, work):
        self.server, self.name, self.work = server, name, work
        self.url = server.url(name)

    def make(self):
        self.drop()
        self.work.mkdir(parents=True)
        self.server.create(self.name)

    def drop(self):
        self.server.drop(self.name)
        shutil.rmtree(self.work, ignore_errors=True)

    def settle(self):
        self.server.settle()
        os.sync()

    def ask(self, sql):
        with reasons():
            return self.server.ask(sql, self.name)

    def tidy(self):
        """Vacuums, as autovacuum would some minutes later."""
        self.ask("vacuum analyze")

    def cpu(self):
        return self.server.cpu()

    def log_position(self):
        return self.server.log_position()

    def digest(self, table, columns, order):
        line = f"concat_ws(chr(31), {', '.join(f'coalesce(({c})::text, {quoted(NULL)})' for c in columns)})"
        return digest(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url, "-c",
                       f"copy (select {line} from {table} order by {order}) to stdout"])


class SqlitePlace:
    kind = "sqlite"

    def __init__(self, work):
        self.work = work
        self.file = work / "data.db"
        self.url = f"sqlite:{self.file}"

    def make(self):
        self.drop()
        self.work.mkdir(parents=True)

    def drop(self):
        shutil.rmtree(self.work, ignore_errors=True)

    def settle(self):
        os.sync()

    def ask(self, sql):
        with reasons():
            return subprocess.run(["sqlite3", "-batch", "-bail", str(self.file)], input=sql, check=True,
                                  capture_output=True, text=True).stdout.strip()

    def tidy(self):
        pass

    def cpu(self):
        return None

    def log_position(self):
        return None

    def digest(self, table, columns, order):
        line = " || char(31) || ".join(f"coalesce(cast({c} as text), {quoted(NULL)})" for c in columns)
        # As COPY writes it, so that one row is one line.
        line = f"replace(replace({line}, '\\', '\\\\'), char(10), '\\n')"
        return digest(["sqlite3", "-batch", "-readonly", str(self.file),
                       f"select {line} from {table} order by {order}"])


@contextlib.contextmanager
def reasons():
    """Turns a database's refusal into a failure of the contender, with its reason."""
    try:
        yield
    except subprocess.CalledProcessError as problem:
        raise measure.Failed(f"the database reports: {problem.stderr.strip()[:200]}") from None


def digest(command):
    """Number of lines and their hash."""
    lines, hashed = 0, hashlib.sha256()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while block := process.stdout.read(1 << 20):
            lines += block.count(b"\n")
            hashed.update(block)
        problem = process.stderr.read().decode()
    if process.returncode:
        raise measure.Failed(f"cannot be read: {problem.strip()[:200]}")
    return lines, hashed.hexdigest()


def quoted(text):
    return "'" + text.replace("'", "''") + "'"
