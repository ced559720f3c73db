"""The stand-in OneLogin that everything here reads from."""

import math
import re
import select
import subprocess
import urllib.request
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

KEY = "demo-key"
PATH = "/api/v1/logins/failed_provisioning.json"
# Any day will do; a fixed one makes every run the same.
NOW = datetime(2025, 7, 1, tzinfo=timezone.utc)
PEOPLE = 50_000
DAYS = 30
# Not a thousand: after an answer of exactly 1,000 records the program asks again, in case it was cut.
NEW = 1_001
PATIENCE = 10


@dataclass(frozen=True)
class History:
    """The history that a simulator makes up. Equal histories give equal records."""

    failures: int
    people: int = PEOPLE
    days: int = DAYS
    now: datetime = NOW

    @property
    def since(self):
        return self.now - timedelta(days=self.days)

    def seconds_for_new(self):
        """Seconds, at the rate of this history, until about a thousand more have happened."""
        return math.ceil(self.days * 86_400 * NEW / self.failures)

    def later(self, seconds):
        return self.now + timedelta(seconds=seconds)


class Simulator:
    """A running one; use it with `with`."""

    def __init__(self, program, history, *arguments):
        self.history = history
        self.process = subprocess.Popen(
            [str(program), "simulate", "--port", "0", "--frozen", "--history", "flat",
             "--late-records", "0",
             "--failures", str(history.failures), "--people", str(history.people),
             "--days", str(history.days), "--now", instant(history.now), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if ready else ""
        found = re.search(r"http://[^,\s]+", line)
        if not found:
            self.process.kill()
            raise SystemExit(f"the simulator did not start: {line}")
        self.base = found.group()
        self.url = self.base + PATH

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def advance(self, seconds):
        request = urllib.request.Request(f"{self.base}/simulator/advance?seconds={seconds}", method="POST")
        with urllib.request.urlopen(request, timeout=PATIENCE):
            pass


def instant(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
