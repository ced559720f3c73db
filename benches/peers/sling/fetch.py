"""Asks the API and writes failures.csv and users.csv.

    fetch.py SINCE FOLDER
"""

import base64
import csv
import datetime
import os
import sys
import urllib.parse
import urllib.request

import orjson

FAILURE = ("id", "login_id", "user_id", "created_at", "description", "error_description")
PERSON = ("id", "email", "username", "firstname", "lastname", "seen_at")


def fetch(since):
    url = os.environ["BENCH_URL"] + "?" + urllib.parse.urlencode({"start_date": since})
    key = base64.b64encode(f"{os.environ['BENCH_KEY']}:x".encode()).decode()
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {key}"})
    with urllib.request.urlopen(request) as response:
        return orjson.loads(response.read())


def instant(text):
    at = datetime.datetime.fromisoformat(text[:10].replace("/", "-") + "T" + text[11:19] + text[20:])
    return at.astimezone(datetime.timezone.utc).replace(tzinfo=None).isoformat() + "Z"


def write(file, header, rows):
    with open(file, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(header)
        for row in rows:
            writer.writerow(["\\N" if value is None else value for value in row])


def main(since, folder):
    failures, people = [], {}
    for record in fetch(since):
        user = record.get("user") or {}
        at = instant(record["created_at"])
        failures.append((record["id"], record["login_id"], user.get("id"), at, record["description"],
                         record["error_description"]))
        if user and (user["id"] not in people or people[user["id"]][5] <= at):
            people[user["id"]] = (user["id"], user["email"], user["username"], user["firstname"],
                                  user["lastname"], at)
    write(f"{folder}/failures.csv", FAILURE, failures)
    write(f"{folder}/users.csv", PERSON, people.values())


main(*sys.argv[1:])
