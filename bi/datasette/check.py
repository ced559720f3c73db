"""Requests every question and every chart from a running Datasette, compares the answers with SQLite's own, and
opens the dashboard in a browser. Ends with 1 if an answer fails, differs or is empty, or a chart is not drawn."""

import json
import re
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

# Answers that may be empty: a copy without a gap has none, and not every history has cases to try again.
MAY_BE_EMPTY = {"was-any-time-left-out"}
# Datasette interrupts a query after a second. A busy machine may need a second attempt.
ATTEMPTS = 4
# Values that change while they are read: ages by the clock.
AGES = re.compile(r"\bscan_age_seconds\b|\bmark_age_seconds\b")
# A tag in a name or an error. A browser that has read it as HTML shows it with quotes.
HOSTILE = "<b class=hostile>"
READ_AS_HTML = '<b class="hostile">'


def get(url):
    """The text of an answer, or its error."""
    for attempt in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return answer.read().decode(), None
        except urllib.error.HTTPError as error:
            failed = error.read().decode(errors="replace")[:200]
            time.sleep(attempt)
    return None, failed


def in_sql(database, query):
    """SQLite's own answer: a list of dictionaries."""
    cursor = database.execute(query, {"account": ""})
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def dom(browser, url, work):
    """The page after its scripts have run, and what it printed as errors."""
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={work}/browser",
        "--window-size=1440,2600", "--virtual-time-budget=30000", "--enable-logging=stderr", "--dump-dom", url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    errors = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "WARN" not in line]
    return done.stdout, errors


def is_drawn(page, slug, chart):
    """Returns whether the part of the page that a chart has is filled."""
    drawn = page.split(f'id="chart-{slug}"', 1)[-1].split('id="chart-', 1)[0]
    return ("<p " if chart["library"] == "metric" else 'role="graphics-document"') in drawn


def main():
    base, file, metadata, browser, work = sys.argv[1:]
    name = Path(file).stem
    metadata = json.loads(Path(metadata).read_text(encoding="utf-8"))
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    faults = []

    def compare(part, url, query, may_be_empty):
        began = time.monotonic()
        answer, error = get(url)
        took = time.monotonic() - began
        if error:
            faults.append(f"{part}: {error}")
            return
        rows = json.loads(answer)
        expected = in_sql(database, query)
        same = AGES.search(query) or rows == expected
        if not same:
            faults.append(f"{part}: Datasette has {rows[:2]}, SQL {expected[:2]}")
        if not rows and not may_be_empty:
            faults.append(f"{part}: no rows")
        first = next(iter(rows[0].values())) if len(rows) == 1 and len(rows[0]) == 1 else f"{len(rows)} rows"
        print(f"{part:<70} {first!s:>10}  SQL {'the same' if same else 'DIFFERS'}  {took:.2f} s")

    queries = metadata["databases"][name]["queries"]
    for slug, query in queries.items():
        compare(slug, f"{base}/{name}/{slug}.json?_shape=array", query["sql"], slug in MAY_BE_EMPTY)
    board = metadata["plugins"]["datasette-dashboards"]["provisioning"]
    for slug, chart in board["charts"].items():
        query = re.sub(r"\[\[.*?\]\]", "", chart["query"])
        url = f"{base}/{name}.json?_shape=array&sql={urllib.parse.quote(query)}"
        compare(f"chart {slug}", url, query, False)

    # A text with tags must appear as text, on the pages of the questions and in the charts.
    pages = [get(f"{base}/{name}/{slug}") for slug in queries]
    faults += [f"page: {error}" for _, error in pages if error]
    for _ in range(ATTEMPTS):
        page, errors = dom(browser, f"{base}/-/dashboards/provisioning", work)
        undrawn = [slug for slug, chart in board["charts"].items() if not is_drawn(page, slug, chart)]
        if not errors and not undrawn:
            break
    faults += [f"console: {error}" for error in errors]
    faults += [f"chart {slug} is not drawn" for slug in undrawn]
    if READ_AS_HTML in page or any(HOSTILE in shown for shown, _ in pages if shown):
        faults.append("a text from outside became HTML")
    print(f"{len(queries)} questions and {len(board['charts'])} charts, {len(faults)} faults")
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


main()
