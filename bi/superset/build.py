"""Writes the export for Apache Superset: a database, datasets, charts and a dashboard, as Superset itself exports them.

    onelogin-sync migrate --database-url sqlite:empty.db
    python3 bi/superset/build.py empty.db bi/superset/onelogin      (needs PyYAML)

Columns, their types and descriptions come from the data dictionary of the database, without those that name people,
because the role for readers may not select them. Change the dashboard in content.py. The same input makes the same
files, and bi/superset.sh fails if those in the repository are others.
"""

import shutil
import sqlite3
import sys
import uuid
from pathlib import Path

import yaml

from content import CERTIFIED, CHARTS, DATASETS, FILTERS, ROWS, TITLE, TITLE_OF_DATABASE, URI

TYPES = {
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "double precision": "DOUBLE PRECISION",
    "integer": "INTEGER",
    "text": "TEXT",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "uuid": "UUID",
}
TIMES = {"date", "timestamptz"}
VERSION = "1.0.0"
# Superset's unit of height on a dashboard is 8 pixels; its grid has 12 columns.
COLUMNS = 12


def identifier(kind, name):
    """The same UUID for the same thing on every machine, so that a second import finds it."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"onelogin-sync/bi/superset/{kind}/{name}"))


def title_of(name):
    """A column's name as people write it: `hours_open` is `Hours open`."""
    return name.replace("_", " ").capitalize()


def database():
    return {
        "database_name": TITLE_OF_DATABASE,
        "sqlalchemy_uri": URI,
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {"allows_virtual_table_explore": True},
        "uuid": identifier("database", "onelogin"),
        "version": VERSION,
    }


def column(name, kind, description):
    entry = {"column_name": name, "verbose_name": title_of(name), "type": TYPES[kind], "is_dttm": kind in TIMES}
    if kind == "date":
        # In SQLite a day is the text `2026-01-31`, which sorts before `2026-01-31 00:00:00`.
        entry["python_date_format"] = "%Y-%m-%d"
    return {**entry, "groupby": True, "filterable": True, "description": description}


def calculated(name, expression, description):
    entry = {"column_name": name, "verbose_name": title_of(name), "type": "DOUBLE PRECISION", "is_dttm": False}
    return {**entry, "expression": expression, "groupby": True, "filterable": True, "description": description}


def metric(name, verbose_name, expression, description, d3format=None):
    entry = {"metric_name": name, "verbose_name": verbose_name, "expression": expression, "description": description}
    if d3format:
        entry["d3format"] = d3format
    if name in CERTIFIED:
        certification = {"certified_by": "onelogin-sync", "details": "Compared with SQL by bi/superset.sh"}
        entry["extra"] = {"certification": certification}
    return entry


def dataset(view, parts, dictionary):
    rows = dictionary[view]
    shown = [row for row in rows if row["column_name"] and not row["is_personal"]]
    columns = [column(row["column_name"], row["type_postgres"], row["description"]) for row in shown]
    columns += [calculated(*entry) for entry in parts.get("calculated", [])]
    return {
        "table_name": view,
        "main_dttm_col": parts["time"],
        "description": next(row["description"] for row in rows if not row["column_name"]),
        "default_endpoint": None,
        "offset": 0,
        "cache_timeout": None,
        "catalog": None,
        # Without one the dataset is in the connection's own schema, and fits both databases.
        "schema": None,
        "sql": None,
        "filter_select_enabled": True,
        "uuid": identifier("dataset", view),
        "columns": columns,
        "metrics": [metric(*entry) for entry in parts["metrics"]],
        "version": VERSION,
        "database_uuid": identifier("database", "onelogin"),
    }


def chart(title, parts):
    return {
        "slice_name": title,
        "description": parts["description"],
        "viz_type": parts["viz_type"],
        "params": {"viz_type": parts["viz_type"], **parts["params"]},
        "query_context": None,
        "cache_timeout": None,
        "uuid": identifier("chart", title),
        "version": VERSION,
        "dataset_uuid": identifier("dataset", parts["dataset"]),
    }


def positions():
    """The places of the charts: rows of the dashboard's grid."""
    place = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "parents": ["ROOT_ID"], "children": []},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": TITLE}},
    }
    for number, (height, row) in enumerate(ROWS, start=1):
        if sum(width for _, width in row) != COLUMNS:
            sys.exit(f"row {number} of the dashboard is not {COLUMNS} columns wide")
        name, parents = f"ROW-{number}", ["ROOT_ID", "GRID_ID"]
        place["GRID_ID"]["children"].append(name)
        children = [f"CHART-{key(title)}" for title, _ in row]
        background = {"background": "BACKGROUND_TRANSPARENT"}
        place[name] = {"type": "ROW", "id": name, "parents": parents, "children": children, "meta": background}
        for child, (title, width) in zip(children, row):
            meta = {"chartId": chart_number(title), "uuid": identifier("chart", title), "sliceName": title}
            meta |= {"width": width, "height": height}
            place[child] = {"type": "CHART", "id": child, "parents": [*parents, name], "children": [], "meta": meta}
    return place


def native_filter(title, parts, dictionary):
    """A filter of the dashboard. Charts whose view lacks its column are not in its scope."""
    target = parts.get("column")
    has = {view: {row["column_name"] for row in rows} for view, rows in dictionary.items()}
    left_out = [
        chart_number(name)
        for name, entry in CHARTS.items()
        if (target not in has[entry["dataset"]] if target else not entry.get("follows_time"))
    ]
    value = parts.get("default")
    mask = {"extraFormData": {"time_range": value}, "filterState": {"value": value}} if value else {}
    targets = [{"datasetUuid": identifier("dataset", parts["dataset"]), "column": {"name": target}}] if target else [{}]
    return {
        "id": f"NATIVE_FILTER-{key(title)}",
        "type": "NATIVE_FILTER",
        "name": title,
        "description": parts["description"],
        "filterType": "filter_select" if target else "filter_time",
        "targets": targets,
        "controlValues": {"multiSelect": True, "enableEmptyFilter": False} if target else {"enableEmptyFilter": False},
        "defaultDataMask": mask,
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": left_out},
    }


def dashboard(dictionary):
    return {
        "dashboard_title": TITLE,
        "description": "What fails between OneLogin and the apps, leavers first.",
        "css": "",
        "slug": "onelogin-provisioning",
        "published": True,
        "certified_by": "",
        "certification_details": "",
        "uuid": identifier("dashboard", "provisioning"),
        "position": positions(),
        "metadata": {
            "color_scheme": "supersetColors",
            "cross_filters_enabled": False,
            "refresh_frequency": 0,
            "expanded_slices": {},
            "timed_refresh_immune_slices": [],
            "label_colors": {},
            "native_filter_configuration": [native_filter(*entry, dictionary) for entry in FILTERS.items()],
        },
        "version": VERSION,
    }


def key(title):
    """A title as part of a name: `Failures per day` is `failures-per-day`."""
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())


def chart_number(title):
    """The chart's number inside the export. An import replaces it."""
    return list(CHARTS).index(title) + 1


def main():
    path, target = sys.argv[1], Path(sys.argv[2])
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        # In the order of the view's own columns.
        rows = connection.execute(
            "select d.* from data_dictionary d left join pragma_table_info(d.table_name) c on c.name = d.column_name"
            " where d.kind = 'view' order by d.table_name, c.cid"
        ).fetchall()
    dictionary = {}
    for row in rows:
        dictionary.setdefault(row["table_name"], []).append(row)

    # The time is Superset's only field that differs from day to day; it is fixed.
    files = {"metadata.yaml": {"version": VERSION, "type": "Dashboard", "timestamp": "2026-01-01T00:00:00+00:00"}}
    files["databases/onelogin.yaml"] = database()
    for view, parts in DATASETS.items():
        files[f"datasets/onelogin/{view}.yaml"] = dataset(view, parts, dictionary)
    for title, parts in CHARTS.items():
        files[f"charts/{key(title)}.yaml"] = chart(title, parts)
    files["dashboards/provisioning.yaml"] = dashboard(dictionary)
    shutil.rmtree(target, ignore_errors=True)
    for name, content in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
        (target / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
