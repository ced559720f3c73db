"""dlt: two resources of one request, upserts by merge, a cursor on created_at.

load.py default   yields Python dicts
load.py arrow     yields arrow tables, which dlt normalises and loads as parquet
"""

import os
import sys
from datetime import datetime, timezone

import dlt
import orjson
from dlt.sources.helpers import requests

KEY = ("id", "login_id", "created_at")
# Records a table of arrow, or a list of dicts.
CHUNK = 50_000
PERSON = ("email", "username", "firstname", "lastname")


def instant(text):
    at = datetime.fromisoformat(text[:10].replace("/", "-") + "T" + text[11:19] + text[20:])
    return at.astimezone(timezone.utc)


def fetch(since):
    answer = requests.get(os.environ["BENCH_URL"], params={"start_date": since.strftime("%Y-%m-%dT%H:%M:%SZ")},
                          auth=(os.environ["BENCH_KEY"], "x"))
    answer.raise_for_status()
    return orjson.loads(answer.content)


def failure(record):
    user = record.get("user") or {}
    return {
        "id": int(record["id"]),
        "login_id": str(record["login_id"]),
        "user_id": user.get("id"),
        "created_at": instant(record["created_at"]),
        "description": record["description"],
        "error_description": record["error_description"],
    }


def newest(records, failures):
    people = {}
    for record, row in zip(records, failures):
        if user := record.get("user"):
            known = people.get(user["id"])
            if known is None or known["seen_at"] <= row["created_at"]:
                people[user["id"]] = {"id": user["id"], **{name: user[name] for name in PERSON},
                                      "seen_at": row["created_at"]}
    return list(people.values())


def tables(rows, schema):
    import pyarrow

    names = {"id": pyarrow.int64(), "user_id": pyarrow.int64(),
             "created_at": pyarrow.timestamp("us", tz="UTC"), "seen_at": pyarrow.timestamp("us", tz="UTC")}
    typed = pyarrow.schema([(name, names.get(name, pyarrow.string())) for name in schema])
    for start in range(0, len(rows), CHUNK):
        yield pyarrow.Table.from_pylist(rows[start:start + CHUNK], schema=typed)


def lists(rows, _):
    for start in range(0, len(rows), CHUNK):
        yield rows[start:start + CHUNK]


@dlt.source
def onelogin(shaped):
    # One request for both tables. `failures` is read to its end before `users` begins (see `main`).
    records, rows = [], []
    start = datetime.fromisoformat(os.environ["BENCH_SINCE"])

    @dlt.resource(primary_key=KEY, write_disposition="merge")
    def failures(created_at=dlt.sources.incremental("created_at", initial_value=start)):
        records.extend(fetch(created_at.last_value))
        rows.extend(map(failure, records))
        yield from shaped(rows, ("id", "login_id", "user_id", "created_at", "description", "error_description"))

    @dlt.resource(primary_key="id", write_disposition="merge")
    def users():
        yield from shaped(newest(records, rows), ("id", *PERSON, "seen_at"))

    return failures, users


def main(shape):
    os.environ["EXTRACT__NEXT_ITEM_MODE"] = "fifo"
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    if os.environ["BENCH_DATABASE"] == "postgres":
        # It insists on a password, which the server does not ask for.
        url = os.environ["BENCH_TO"].replace("postgres@", "postgres:none@")
        destination, dataset = dlt.destinations.postgres(url), "onelogin"
    else:
        # The name under which SQLite knows the file itself.
        destination, dataset = dlt.destinations.sqlalchemy(f"sqlite:///{os.environ['BENCH_TO']}"), "main"
    pipeline = dlt.pipeline("onelogin", destination=destination, dataset_name=dataset,
                            pipelines_dir=os.environ["BENCH_STATE"])
    shaped, form = (tables, "parquet") if shape == "arrow" else (lists, None)
    pipeline.run(onelogin(shaped), loader_file_format=form).raise_on_failed_jobs()


main(*sys.argv[1:])
