"""A Postgres of the benchmark's own, set up as a server is that has to keep its data."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

# Default: fsync, synchronous_commit and full_page_writes on, wal_level replica, shared_buffers 128MB,
# autovacuum on. The one thing that is not default keeps checkpoints out of a load of a million rows.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_wal_size = 4GB
"""
DESCRIPTION = "defaults (fsync on, wal_level replica, shared_buffers 128MB, autovacuum on) and max_wal_size 4GB"
TICKS = os.sysconf("SC_CLK_TCK")


class Postgres:
    def __init__(self, binaries, home):
        self.binaries = Path(binaries)
        self.data = Path(home) / "postgres"
        self.port = free_port()
        self.user = unprivileged()

    def start(self):
        self.data.mkdir()
        if self.user:
            shutil.chown(self.data, self.user)
        self.command("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write(SETTINGS)
        self.command("pg_ctl", "start", "-w", "-t", "60", "-D", self.data, "-l", self.data / "log",
                     "-o", f"-p {self.port}")
        self.pid = int((self.data / "postmaster.pid").read_text().split()[0])

    def stop(self):
        if (self.data / "postmaster.pid").exists():
            self.command("pg_ctl", "stop", "-w", "-t", "60", "-D", self.data, "-m", "immediate")

    def command(self, name, *arguments):
        done = subprocess.run(
            [str(self.binaries / name), *map(str, arguments)],
            # `pg_ctl` hands its output to the server, so no pipe may wait for its end.
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", user=self.user,
        )
        if done.returncode:
            raise SystemExit(f"{name} failed; is {self.data.parent} readable for {self.user or 'you'}?")

    def url(self, name):
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def ask(self, sql, name="postgres"):
        """Runs SQL and returns what psql prints, unaligned."""
        return subprocess.run(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(name), "-c", sql],
            check=True, capture_output=True, text=True,
        ).stdout.strip()

    def create(self, name):
        self.ask(f'create database "{name}"')

    def drop(self, name):
        self.ask(f'drop database if exists "{name}" with (force)')

    def settle(self):
        """Writes down what is still to be written, so that the next command does not pay for it."""
        self.ask("checkpoint")

    def log_position(self):
        """Bytes of write-ahead log so far."""
        return int(self.ask("select pg_current_wal_lsn() - '0/0'::pg_lsn"))

    def cpu(self):
        """Seconds of CPU of all server processes so far, those that have ended included; `None` without /proc."""
        with contextlib.suppress(OSError):
            mine = cpu_fields(self.pid)
            total = sum(mine)
            for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
                with contextlib.suppress(OSError):
                    total += sum(cpu_fields(child)[:2])
            return total / TICKS
        return None

    def version(self):
        return self.ask("show server_version").split()[0]


def cpu_fields(pid):
    """utime, stime, and both of the children that have ended."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return [int(field) for field in stat.rsplit(")", 1)[1].split()[11:15]]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def unprivileged():
    """Postgres refuses to run as root; who to run it as then."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise SystemExit("run this as somebody other than root: Postgres refuses to run as root")
