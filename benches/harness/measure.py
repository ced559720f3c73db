"""Runs one command and measures it: wall, CPU, and the memory of its largest process."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

STARTER = Path(__file__).with_name("starter.py")


@dataclass
class Taken:
    """Seconds and bytes. CPU is that of the command and of all processes it waited for."""

    wall: float
    user: float
    sys: float
    peak: int
    out: str
    err: str

    @property
    def cpu(self):
        return self.user + self.sys


class Failed(Exception):
    """A command that did not end well, or took too long. The text is for the report."""


def run(command, *, work, env=None, timeout):
    """Runs the command in the folder `work`, with this environment and no other but PATH and HOME."""
    report, out, err = (work / f"measured.{kind}" for kind in ("json", "out", "err"))
    report.unlink(missing_ok=True)
    starter = subprocess.Popen(
        # Isolated and without `site`: smaller.
        [sys.executable, "-I", "-S", str(STARTER), str(report), str(out), str(err), *map(str, command)],
        cwd=work,
        env=clean_environment(work) | (env or {}),
        start_new_session=True,
    )
    try:
        starter.wait(timeout)
    except subprocess.TimeoutExpired:
        raise Failed(f"took more than {timeout:.0f} s") from None
    finally:
        end_group(starter)
    if not report.exists():
        raise Failed(f"could not be started: {command[0]}")
    taken = json.loads(report.read_text(encoding="utf-8"))
    code = taken.pop("code")
    if code != 0:
        raise Failed(f"ended with {code}: {end_of(err) or end_of(out)}")
    out, err = (stream.read_text(encoding="utf-8", errors="replace") for stream in (out, err))
    return Taken(**taken, out=out, err=err)


def clean_environment(work):
    """The environment of every command: nothing of the caller may change the measurement."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    # A home of its own, since some tools keep their state, and remember failures, in it.
    return kept | {"HOME": str(work), "TMPDIR": str(work), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def end_group(starter):
    """Ends whatever the command left running."""
    try:
        os.killpg(starter.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    starter.wait()


def end_of(path):
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines() if path.exists() else []
    return " / ".join(line.strip() for line in lines[-2:])[:300]
