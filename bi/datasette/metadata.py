"""Writes Datasette's metadata for a database: descriptions out of its data dictionary, the questions of
docs/questions.md as canned queries, and the dashboard.

    bi/datasette/metadata.py onelogin.db > metadata.json
    datasette onelogin.db --metadata metadata.json
"""

import json
import re
import sqlite3
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
QUESTIONS = HERE.parent.parent / "docs" / "questions.md"
QUESTION = re.compile(r"^### \d+\. (?P<title>.+?)\n(?P<note>.*?)```sql\n(?P<sql>.+?);?\n```", re.M | re.S)
# The first account, unless the reader gives another one.
ACCOUNT = "coalesce(nullif(:account, ''), (select min(account) from accounts))"


def questions():
    """The questions by their names in the address of the page."""
    for found in QUESTION.finditer(QUESTIONS.read_text(encoding="utf-8")):
        name = re.sub(r"[^a-z0-9]+", "-", found["title"].lower()).strip("-")
        query = found["sql"].replace("'demo'", ACCOUNT)
        yield name, {"title": found["title"], "description": found["note"].strip(), "sql": query}


def described(path):
    """The descriptions of tables, views and their columns."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        rows = database.execute("select table_name, column_name, description from data_dictionary").fetchall()
    tables = {}
    for table, column, description in rows:
        entry = tables.setdefault(table, {"columns": {}})
        if column:
            entry["columns"][column] = description
        else:
            entry["description"] = description
    return tables


def dashboard(database):
    """The dashboard, with the name of the database in each chart and filter."""
    board = json.loads((HERE / "dashboard.json").read_text(encoding="utf-8"))
    for part in [*board["charts"].values(), *board["filters"].values()]:
        part["db"] = database
    return board


def main():
    path = Path(sys.argv[1])
    metadata = {
        "title": "Failed provisioning of OneLogin",
        "databases": {path.stem: {"tables": described(path), "queries": dict(questions())}},
        "plugins": {"datasette-dashboards": {"provisioning": dashboard(path.stem)}},
    }
    json.dump(metadata, sys.stdout, indent=2, ensure_ascii=False)


main()
