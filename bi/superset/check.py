"""Imports the export into a running Superset, opens the dashboard in a browser, and compares the numbers that its
charts are given with those of SQL. Called by bi/superset.sh:

    check.py SUPERSET BROWSER PICTURE [NAME URI SQL_URI]...

Each three arguments are a database: its name, its address for Superset (`-`: the export is imported already), and its
address for SQL. One whose name begins with `empty` has no rows: there each chart is drawn without an error, elsewhere
each has something to show as well. Ends with 1 on any fault."""

import os
import sys
from datetime import datetime, timedelta, timezone
from io import BytesIO
from itertools import zip_longest
from pathlib import Path

import sqlalchemy
import yaml
from playwright.sync_api import sync_playwright

import content
import expected
from bundle import EXPORT, bundle
from compare import as_rows, as_series, as_text

# Milliseconds. On a busy machine, the first query of a process takes some seconds.
PATIENCE = 120_000
WINDOW = {"width": 1500, "height": 2640}
PICTURE = {"x": 0, "y": 0, "width": 1500, "height": 1545}

# The number of pixels with a colour.
COLOURED = """canvases => canvases.reduce((sum, canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let coloured = 0;
  for (let i = 0; i < data.length; i += 4) {
    const isGrey = Math.abs(data[i] - data[i + 1]) < 20 && Math.abs(data[i + 1] - data[i + 2]) < 20;
    if (data[i + 3] > 0 && !isGrey) coloured += 1;
  }
  return sum + coloured;
}, 0)"""

faults = []


def check(is_right, text):
    print(f"{'ok    ' if is_right else 'FAILED'} {text}", flush=True)
    if not is_right:
        faults.append(text)


class Filters:
    """Values of the dashboard's filters, as its address has them and in SQL."""

    def __init__(self, name, account=None, apps=None, operations=None, since=None, may_be_empty=()):
        self.name, self.may_be_empty = name, may_be_empty
        self.values = {"account": [account] if account else None, "app_name": apps, "operation": operations}
        self.since = since

    def address(self):
        """The parameter `native_filters`, in Superset's notation."""
        parts = []
        for title, filter_ in content.FILTERS.items():
            column = filter_.get("column")
            if column and self.values[column]:
                values = "!(" + ",".join(f"'{value}'" for value in self.values[column]) + ")"
                data = f"filters:!((col:{column},op:IN,val:{values}))"
            elif not column and self.since:
                values = f"'{self.since} : '"
                data = f"time_range:{values}"
            else:
                continue
            name = f"NATIVE_FILTER-{title.lower()}"
            parts.append(f"{name}:(id:{name},extraFormData:({data}),filterState:(value:{values}),ownState:())")
        return f"&native_filters=({','.join(parts)})" if parts else ""

    def sql(self, chart):
        """The conditions of a chart: those on columns that its view has."""
        parts = content.CHARTS[chart]
        dataset = yaml.safe_load((EXPORT / f"datasets/onelogin/{parts['dataset']}.yaml").read_text(encoding="utf-8"))
        columns = {column["column_name"] for column in dataset["columns"]}
        conditions = [
            f" and {column} in ({', '.join(repr(value) for value in values)})"
            for column, values in self.values.items()
            if values and column in columns
        ]
        if parts.get("follows_time") and self.since:
            conditions.append(f" and {parts['params']['adhoc_filters'][0]['subject']} >= '{self.since}'")
        return "".join(conditions)


class Superset:
    """A browser that is logged in, and the API by its session."""

    def __init__(self, browser, url):
        self.url, self.page = url, browser.new_context(viewport=WINDOW).new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.goto(f"{url}/login/")
        self.page.fill("#username", "admin")
        self.page.fill("#password", Path(os.environ["SUPERSET_HOME"], "admin_password").read_text().strip())
        self.page.click("[data-test=login-button]")
        self.page.wait_for_url(lambda address: "/login" not in address)
        self.token = self.ask("get", "security/csrf_token/")["result"]

    def ask(self, method, path, **options):
        headers = {"X-CSRFToken": self.token, "Referer": self.url} if method != "get" else {}
        send = getattr(self.page.context.request, method)
        answer = send(f"{self.url}/api/v1/{path}", headers=headers, timeout=PATIENCE, **options)
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.text()[:500]}")
        return answer.json()

    def ids(self, kind):
        return [entry["id"] for entry in self.ask("get", f"{kind}/?q=(page_size:100)")["result"]]

    def import_export(self, uri):
        """Uploads the export as a person would: with the address of a database, or as it is."""
        stream = BytesIO()
        bundle(uri or content.URI, stream)
        form = {"formData": {"name": "onelogin.zip", "mimeType": "application/zip", "buffer": stream.getvalue()}}
        self.ask("post", "dashboard/import/", multipart={**form, "overwrite": "true"})

    def set_address(self, uri):
        """Changes the address of the database that is imported."""
        (number,) = self.ids("database")
        self.ask("put", f"database/{number}", data={"sqlalchemy_uri": uri})

    def delete_all(self):
        for kind in ["dashboard", "chart", "dataset"]:
            if ids := self.ids(kind):
                self.ask("delete", f"{kind}/?q=!({','.join(map(str, ids))})")
        for number in self.ids("database"):
            self.ask("delete", f"database/{number}")

    def number(self, dataset, metric):
        """A metric of a dataset, by the API."""
        datasets = self.ask("get", "dataset/?q=(page_size:100)")["result"]
        source = {"id": next(d["id"] for d in datasets if d["table_name"] == dataset), "type": "table"}
        query = {"metrics": [metric], "columns": [], "row_limit": 10}
        answer = self.ask("post", "chart/data", data={"datasource": source, "queries": [query]})
        return answer["result"][0]["data"][0][metric]

    def is_fault(self, line):
        """Superset counts its pages by a picture from elsewhere, which a machine without a network cannot load."""
        return line.type == "error" and (line.location or {}).get("url", self.url).startswith(self.url)

    def open_dashboard(self, address):
        """Opens the dashboard, and returns the answer that each chart was given and what the console has shown."""
        numbers = {entry["id"]: entry["slice_name"] for entry in self.ask("get", "chart/?q=(page_size:100)")["result"]}
        seen, problems = [], []
        page = self.page.context.new_page()
        page.on("response", lambda answer: seen.append(answer) if "/api/v1/chart/data" in answer.url else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda line: problems.append(line.text) if self.is_fault(line) else None)
        page.goto(f"{self.url}/superset/dashboard/onelogin-provisioning/?standalone=0{address}")
        page.wait_for_selector("[data-test=slice-container]", timeout=PATIENCE)
        page.wait_for_load_state("networkidle", timeout=PATIENCE)
        page.wait_for_function("!document.querySelector('[data-test=loading-indicator], .loading')", timeout=PATIENCE)
        answers = {}
        for answer in seen:
            chart = numbers.get(answer.request.post_data_json.get("form_data", {}).get("slice_id"))
            if chart:
                answers[chart] = answer.json() if answer.ok else {"error": answer.text()[:500]}
        return page, answers, problems


def points(rows, axis):
    """The points of the series of a chart's answer."""
    return [(row[axis], name, value) for row in rows for name, value in row.items() if name != axis]


def compare(chart, rows, database, filters):
    """The number of a chart and of SQL, and what is wrong if there is anything."""
    result = database.execute(sqlalchemy.text(expected.CHARTS[chart].format(filtered=filters.sql(chart))))
    columns = list(result.keys())
    answer = [tuple(row) for row in result]
    if chart in expected.NUMBERS:
        given, right = as_text("", rows[0][columns[0]]), as_text("", answer[0][0])
        shown, is_empty = (given, right), right == "0"
    elif chart in expected.TABLES:
        given = as_rows(columns, ([row[name] for name in columns] for row in rows))
        right = as_rows(columns, answer)
        shown, is_empty = [f"{len(part)} rows" for part in (given, right)], not right
    else:
        given = as_series(columns[0], points(rows, columns[0]))
        right = as_series(columns[0], answer)
        shown = [f"{len(part)} points, sum {sum(map(float, part.values())):,.2f}" for part in (given, right)]
        is_empty = not right
    wrong = [] if given == right else [first_difference(given, right)]
    if is_empty and chart not in filters.may_be_empty:
        wrong.append("nothing to show")
    return shown, wrong


def first_difference(given, right):
    if isinstance(given, str):
        return "differs"
    given, right = (sorted(part.items()) if isinstance(part, dict) else part for part in (given, right))
    pairs = zip_longest(given, right, fillvalue="nothing")
    return next(f"{one} instead of {other}" for one, other in pairs if one != other)


def drawn(page, chart, rows):
    """Faults of a chart on the page, which has to show what it was given."""
    holder = page.locator(f"[data-test-chart-name='{chart}']")
    text = holder.inner_text()
    if chart in expected.NUMBERS:
        (value,) = rows[0].values()
        is_drawn = f"{value:,}" in text.split()
    elif not rows:
        is_drawn = "No results were returned" in text
    elif chart in expected.TABLES:
        is_drawn = holder.locator("tbody tr").count() == len(rows)
    else:
        is_drawn = holder.locator("canvas").evaluate_all(COLOURED) > 1000
    wrong = [] if is_drawn else [f"is not drawn: {text[:200]!r}"]
    if holder.locator("b").count():
        wrong.append("a text from outside became HTML")
    return wrong + holder.locator("[role=alert]").all_inner_texts()


def check_dashboard(superset, database, filters):
    """Opens the dashboard with these filters, and compares each of its charts."""
    page, answers, problems = superset.open_dashboard(filters.address())
    for chart in content.CHARTS:
        answer = answers.get(chart, {"error": "it did not request its data"})
        if "result" not in answer:
            check(False, f"{filters.name:<12} {chart:<32} {answer}")
            continue
        rows = answer["result"][0]["data"]
        shown, wrong = compare(chart, rows, database, filters)
        wrong += drawn(page, chart, rows)
        check(not wrong, f"{filters.name:<12} {chart:<32} {shown[0]:>28}  SQL {shown[1]:>28}  {'; '.join(wrong)}")
    check(not problems, f"{filters.name:<12} nothing in the console {problems or ''}")
    return page


def check_metrics(superset, database):
    """Compares each certified metric of each dataset, by the API without a chart."""
    for dataset, parts in content.DATASETS.items():
        for metric, *_ in parts["metrics"]:
            if metric in content.CERTIFIED:
                given = as_text("", superset.number(dataset, metric))
                right = as_text("", database.execute(sqlalchemy.text(expected.METRICS[dataset, metric])).scalar())
                name = f"{dataset}.{metric}"
                check(given == right, f"{'metric':<12} {name:<51} {given:>9}  SQL {right:>28}")


def main():
    url, executable, picture, *targets = sys.argv[1:]
    # The first day of a month, so that the month is in, and at least ten days ago.
    today = datetime.now(timezone.utc).date()
    since = (today - timedelta(days=10)).replace(day=1)
    none_unknown = ["Leavers overdue, unknown"]
    every = Filters("no filter")
    settings = [
        every,
        Filters("account", "demo", may_be_empty=none_unknown),
        Filters("all filters", "demo", ["Slack", "Office 365", "Payroll in Berlin"], ["create", "suspend"], since,
                may_be_empty=none_unknown),
    ]
    empty = [Filters("no rows", may_be_empty=content.CHARTS)]
    with sync_playwright() as playwright:
        # Root has no sandbox, in containers and in CI.
        arguments = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        superset = Superset(browser, url)
        for name, uri, sql_uri in zip(targets[::3], targets[1::3], targets[2::3]):
            print(f"-- {name}")
            is_empty = name.startswith("empty")
            if uri != "-":
                superset.delete_all()
                # Both ways to another database: in the zip, and in Superset after the import.
                superset.import_export(uri if is_empty else None)
                if not is_empty:
                    superset.set_address(uri)
            with sqlalchemy.create_engine(sql_uri).connect() as database:
                for filters in empty if is_empty else settings:
                    page = check_dashboard(superset, database, filters)
                    if picture and filters.name == "account":
                        page.screenshot(path=picture, clip=PICTURE)
                        picture = None
                    page.close()
                check_metrics(superset, database)
    print(f"{len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
