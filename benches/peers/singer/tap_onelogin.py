"""A Singer tap of one request: the failures, and the people they name.

    tap_onelogin.py --config CONFIG [--state STATE]
"""

import datetime

import orjson
import requests
from singer_sdk import Stream, Tap
from singer_sdk import typing as th

PERSON = ("id", "email", "username", "firstname", "lastname")


def instant(text):
    at = datetime.datetime.fromisoformat(text[:10].replace("/", "-") + "T" + text[11:19] + text[20:])
    return at.astimezone(datetime.timezone.utc).isoformat()


class Failures(Stream):
    name = "failures"
    primary_keys = ("id", "login_id", "created_at")
    replication_key = "created_at"
    # The API promises no order.
    is_sorted = False
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType, required=True),
        th.Property("login_id", th.StringType, required=True),
        th.Property("user_id", th.IntegerType),
        th.Property("created_at", th.DateTimeType, required=True),
        th.Property("description", th.StringType),
        th.Property("error_description", th.StringType),
    ).to_dict()

    def get_records(self, context):
        since = self.get_starting_timestamp(context).strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = requests.get(self.config["url"], params={"start_date": since}, auth=(self.config["key"], "x"))
        answer.raise_for_status()
        people = self._tap.people
        for record in orjson.loads(answer.content):
            at = instant(record["created_at"])
            user = record.get("user") or {}
            if user and (user["id"] not in people or people[user["id"]]["seen_at"] <= at):
                people[user["id"]] = {name: user[name] for name in PERSON} | {"seen_at": at}
            yield {
                "id": int(record["id"]),
                "login_id": str(record["login_id"]),
                "user_id": user.get("id"),
                "created_at": at,
                "description": record["description"],
                "error_description": record["error_description"],
            }


class Users(Stream):
    """Read after `failures`, which finds them."""

    name = "users"
    primary_keys = ("id",)
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType, required=True),
        *(th.Property(name, th.StringType) for name in PERSON[1:]),
        th.Property("seen_at", th.DateTimeType),
    ).to_dict()

    def get_records(self, context):
        yield from self._tap.people.values()


class TapOneLogin(Tap):
    name = "tap-onelogin"
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType, required=True),
        th.Property("key", th.StringType, required=True),
        th.Property("start_date", th.DateTimeType, required=True),
    ).to_dict()

    def discover_streams(self):
        self.people = {}
        return [Failures(self), Users(self)]


if __name__ == "__main__":
    TapOneLogin.cli()
