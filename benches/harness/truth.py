"""The rows of a correct load, worked out from the simulator's own answers.

Run as a program of its own, so that the memory for a million rows is gone again:

    truth.py BASE_URL SINCE_UNTIL_JSON ADVANCE_SECONDS

prints the digests of failures and people before and after the clock moves on.
"""

import base64
import hashlib
import json
import subprocess
import sys
import urllib.parse
import urllib.request
from datetime import datetime, timedelta

from places import BETWEEN, NULL
from simulator import KEY, PATH, Simulator, instant

# A day per answer: an answer of a million records would be two gigabytes of Python objects.
STEP = timedelta(days=1)
FAILURE = ("id", "login_id", "user_id", "created_at", "description", "error_description")
PERSON = ("id", "email", "username", "firstname", "lastname")


def truth_of(program, history):
    """The digests for one history, before and after about a thousand new failures."""
    with Simulator(program, history) as simulator:
        seconds = history.seconds_for_new()
        days = json.dumps([instant(history.since), instant(history.now)])
        done = subprocess.run([sys.executable, __file__, simulator.base, days, str(seconds)],
                              check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main(base, days, seconds):
    since, until = map(datetime.fromisoformat, json.loads(days))
    failures, people = {}, {}
    read(base, since, until, failures, people)
    before = digests(failures, people)
    advance = urllib.request.Request(f"{base}/simulator/advance?seconds={seconds}", method="POST")
    urllib.request.urlopen(advance).close()
    known = len(failures)
    read(base, until, until + timedelta(seconds=int(seconds)), failures, people)
    print(json.dumps({"before": before, "after": digests(failures, people), "new": len(failures) - known}))


def read(base, since, until, failures, people):
    while since < until:
        to = min(since + STEP, until)
        for record in ask(base, since, to):
            take(record, failures, people)
        since = to


def ask(base, since, until):
    query = urllib.parse.urlencode({"start_date": instant(since), "stop_date": instant(until)})
    key = base64.b64encode(f"{KEY}:x".encode()).decode()
    request = urllib.request.Request(f"{base}{PATH}?{query}", headers={"Authorization": f"Basic {key}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def take(record, failures, people):
    at = int(datetime.strptime(record["created_at"], "%Y/%m/%d %H:%M:%S %z").timestamp())
    number = int(record["id"])
    user = record.get("user") or {}
    row = (number, record["login_id"], user.get("id"), at, record["description"], record["error_description"])
    failures[number] = line(row)
    if user and (people.get(user["id"], ((),)))[0] <= (at, number):
        people[user["id"]] = ((at, number), line([user[name] for name in PERSON]))


def line(values):
    text = BETWEEN.join(NULL if value is None else str(value) for value in values)
    # As COPY writes it.
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def digests(failures, people):
    return {
        "failures": digest(failures[number] for number in sorted(failures)),
        "users": digest(people[number][1] for number in sorted(people)),
    }


def digest(lines):
    count, hashed = 0, hashlib.sha256()
    for text in lines:
        count += 1
        hashed.update(text.encode())
        hashed.update(b"\n")
    return [count, hashed.hexdigest()]


if __name__ == "__main__":
    main(*sys.argv[1:])
