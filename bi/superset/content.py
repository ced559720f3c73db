"""The dashboard: which views are datasets, their metrics, the charts and filters, and where they are. build.py makes
Superset's files of it. expected.py has the SQL that each chart's numbers are compared with."""

TITLE = "OneLogin provisioning"
TITLE_OF_DATABASE = "OneLogin"
# Without a password: the role for readers of docs/roles.sql. Days are those of UTC.
URI = "postgresql+psycopg2://onelogin_reader@localhost:5432/onelogin?options=-c%20timezone%3DUTC"

OPEN = "COUNT(CASE WHEN status = 'open' THEN 1 END)"
UNKNOWN = "COUNT(CASE WHEN status = 'unknown' THEN 1 END)"
UNSEEN = "a success may have closed them unseen"

FAILURES = ("failures", "Failures", "COUNT(*)", "Failures, each once")
PEOPLE = ("people", "People", "COUNT(DISTINCT user_id)", "Users whom OneLogin named")
OPEN_CASES = ("open_cases", "Open cases", OPEN, "Cases that nothing has closed")
UNKNOWN_CASES = ("unknown_cases", "Unknown cases", UNKNOWN, f"Cases that nothing has closed, but {UNSEEN}")

# Metrics whose numbers bi/superset.sh compares with SQL, in each view that has them.
CERTIFIED = {"failures", "people", "open_cases", "unknown_cases", "leavers_overdue", "leavers_overdue_unknown"}

# view: its time column, metrics (name, verbose name, expression, description, format), calculated columns.
DATASETS = {
    "outstanding_deprovisioning": {
        "time": "opened_at",
        "metrics": [
            (
                "leavers_overdue", "Leavers overdue",
                "COUNT(DISTINCT CASE WHEN is_overdue AND status = 'open' THEN user_id END)",
                "Users with a suspension or deletion that has been open for more than 24 hours",
            ),
            (
                "leavers_overdue_unknown", "Leavers overdue, unknown",
                "COUNT(DISTINCT CASE WHEN is_overdue AND status = 'unknown' THEN user_id END)",
                f"Users with a suspension or deletion more than 24 hours old; {UNSEEN}",
            ),
            OPEN_CASES, UNKNOWN_CASES, PEOPLE,
        ],
    },
    "open_cases": {"time": "opened_at", "metrics": [OPEN_CASES, UNKNOWN_CASES, PEOPLE]},
    "failures": {"time": "created_at", "metrics": [FAILURES, PEOPLE]},
    "failures_daily": {
        "time": "day",
        "metrics": [("failures", "Failures", "COALESCE(SUM(failures), 0)", "Failures, each once")],
    },
    "failures_by_app": {
        "time": "last_failure_at",
        "metrics": [("failures_of_30_days", "Failures, 30 days", "SUM(failures_30_days)", "Failures, each once")],
    },
    "backlog_daily": {
        "time": "day",
        "metrics": [
            (
                "cases_at_end", "Cases at the end of the day", "SUM(unresolved_at_end)",
                "Cases opened until the end of the day, less those resolved. Never over several days",
            ),
        ],
    },
    "success_rate": {
        "time": "day",
        "metrics": [
            (
                "share_of_successes", "Share of successes", "1.0 * SUM(successes) / NULLIF(SUM(attempts), 0)",
                "Successes of all attempts", ".1%",
            ),
            ("attempts_made", "Attempts", "SUM(attempts)", "Successes and failures"),
        ],
    },
    "app_incidents": {
        "time": "started_at",
        "metrics": [("incidents", "Incidents", "COUNT(*)", "Incidents that began in the last 30 days")],
    },
    "time_to_resolve": {
        "time": "month",
        "metrics": [
            ("resolved_cases", "Resolved cases", "SUM(cases)", "Cases that were resolved, if the time is known"),
        ],
        "calculated": [
            ("median_hours", "ROUND(median_seconds / 3600.0, 1)", "Median in hours, nearest rank"),
            ("p90_hours", "ROUND(p90_seconds / 3600.0, 1)", "90th percentile in hours, nearest rank"),
        ],
    },
    "new_errors": {
        "time": "first_failure_at",
        "metrics": [("errors", "Errors", "COUNT(*)", "Errors that were first seen in the last 7 days")],
    },
    "sync_health": {
        "time": "last_run_finished_at",
        "metrics": [
            (
                "hours_since_scan", "Hours since the last scan", "MAX(scan_age_seconds) / 3600.0",
                "Hours by the database's clock, of the account and source scanned longest ago",
            ),
        ],
        "calculated": [
            ("scan_age_hours", "ROUND(scan_age_seconds / 3600.0, 1)", "Hours since the end of the last window"),
        ],
    },
}


def table(columns, order, **more):
    """The settings of a list of rows, sorted by columns: `-hours_open` is the greatest first."""
    by = [f'["{name.lstrip("-")}", {"false" if name.startswith("-") else "true"}]' for name in order]
    shown = {"all_columns": columns, "order_by_cols": by, "row_limit": 1000, "table_timestamp_format": "%Y-%m-%d %H:%M"}
    # Texts from outside are hostile: a tag in one appears as text.
    plain = {"query_mode": "raw", "server_pagination": False, "show_cell_bars": False, "allow_render_html": False}
    return {**plain, **shown, "adhoc_filters": [], **more}


def in_time(column):
    """The filter that follows the dashboard's filter of time."""
    return [
        {"clause": "WHERE", "expressionType": "SIMPLE", "operator": "TEMPORAL_RANGE", "subject": column,
         "comparator": "No filter"},
    ]


def over_time(column, metric, groupby, **more):
    """The settings of a metric per day."""
    axis = {"x_axis": column, "time_grain_sqla": "P1D", "x_axis_time_format": "%d %b", "y_axis_format": "SMART_NUMBER"}
    shown = {"metrics": [metric], "groupby": groupby, "row_limit": 10000, "truncate_metric": True, "show_legend": True}
    return {**axis, **shown, "adhoc_filters": in_time(column), "rich_tooltip": True, **more}


# title: dataset, kind, settings, description. With `follows_time`, the dashboard's filter of time holds.
CHARTS = {
    "Leavers overdue": {
        "dataset": "outstanding_deprovisioning",
        "viz_type": "big_number_total",
        "params": {"metric": "leavers_overdue", "adhoc_filters": [], "subheader": "open for more than 24 hours",
                   "y_axis_format": ",d"},
        "description": "Who left, is known to have kept access, and should have lost it a day ago.",
    },
    "Leavers overdue, unknown": {
        "dataset": "outstanding_deprovisioning",
        "viz_type": "big_number_total",
        "params": {"metric": "leavers_overdue_unknown", "adhoc_filters": [], "subheader": UNSEEN,
                   "y_axis_format": ",d"},
        "description": "The same where not every success since then is known.",
    },
    "Freshness": {
        "dataset": "sync_health",
        "viz_type": "table",
        "params": table(
            ["account", "source", "last_run_status", "scan_age_hours", "scanned_through", "open_rejects"],
            ["-scan_age_hours", "account", "source"],
        ),
        "description": "How old the copy is. Every other chart counts from the end of the last scan, not from now.",
    },
    "Outstanding deprovisioning": {
        "dataset": "outstanding_deprovisioning",
        "viz_type": "table",
        "params": table(
            ["status", "hours_open", "user_id", "app_name", "operation", "reason", "attempts", "error_class",
             "recommended_action", "opened_at", "account"],
            ["status", "-hours_open", "opened_at", "case_id"],
        ),
        "description": "Users who may still have access, longest first; open before unknown.",
    },
    "Open cases by app": {
        "dataset": "open_cases",
        "viz_type": "echarts_timeseries_bar",
        "params": {
            "x_axis": "app_name", "metrics": ["open_cases", "unknown_cases"], "groupby": [], "adhoc_filters": [],
            "orientation": "horizontal", "stack": "Stack", "sort_series_type": "name", "sort_series_ascending": True,
            "row_limit": 1000, "truncate_metric": True, "x_axis_sort": "open_cases", "x_axis_sort_asc": True,
            "y_axis_format": ",d", "show_legend": True,
        },
        "description": "Cases that nothing has closed, open and unknown apart.",
    },
    "Backlog per day": {
        "dataset": "backlog_daily",
        "viz_type": "echarts_area",
        "params": over_time("day", "cases_at_end", ["operation"], stack="Stack", opacity=0.4),
        "description": "Cases that nothing had closed at the end of each day, by operation.",
        "follows_time": True,
    },
    "Failures per day by error class": {
        "dataset": "failures",
        "viz_type": "echarts_timeseries_bar",
        "params": over_time("created_at", "failures", ["error_class"], stack="Stack"),
        "description": "Failures, each once, by the kind of error.",
        "follows_time": True,
    },
    "Success rate": {
        "dataset": "success_rate",
        "viz_type": "echarts_timeseries_line",
        "params": over_time("day", "share_of_successes", [], y_axis_format=".0%", show_legend=False),
        "description": "Share of attempts that succeed, on days of which every success is known.",
        "follows_time": True,
    },
    "Incidents": {
        "dataset": "app_incidents",
        "viz_type": "table",
        "params": table(
            ["started_at", "kind", "app_name", "error_class", "people", "failures", "is_ongoing", "account"],
            ["-started_at", "incident_id"],
            adhoc_filters=in_time("started_at"),
        ),
        "description": "Errors that several users had at once, and hours of many deprovisionings, of the last 30 days.",
        "follows_time": True,
    },
    "Time to resolve": {
        "dataset": "time_to_resolve",
        "viz_type": "table",
        "params": table(
            ["month", "app_name", "operation", "cases", "median_hours", "p90_hours", "account"],
            ["-month", "-cases", "app_name", "operation", "account"],
            adhoc_filters=in_time("month"), table_timestamp_format="%Y-%m",
        ),
        "description": "Hours from the first failure to the resolution, by month, app and operation.",
        "follows_time": True,
    },
    "New errors": {
        "dataset": "new_errors",
        "viz_type": "table",
        "params": table(
            ["first_failure_at", "failures", "error_class", "retryable", "recommended_action", "example", "account"],
            ["-failures", "error_fingerprint", "account"],
        ),
        "description": "Errors that were first seen in the last 7 days.",
    },
}

# title: the dataset and column of its values; without them the filter is that of time.
FILTERS = {
    "Account": {"dataset": "sync_health", "column": "account", "description": "The OneLogin account"},
    "App": {"dataset": "failures_by_app", "column": "app_name", "description": "Apps that ever failed"},
    "Operation": {"dataset": "failures_daily", "column": "operation", "description": "What was attempted"},
    "Time": {
        "default": 'DATEADD(DATETIME("today"), -90, day) : ',
        "description": "Charts of a time: backlog, failures, success rate, incidents, time to resolve. "
        "Leavers, open cases and freshness are always those of now, new errors those of 7 days. A month counts by its "
        "first day",
    },
}

# Height and, from left to right, the charts with their widths.
ROWS = [
    (24, [("Leavers overdue", 3), ("Leavers overdue, unknown", 3), ("Freshness", 6)]),
    (52, [("Outstanding deprovisioning", 12)]),
    (46, [("Open cases by app", 6), ("Backlog per day", 6)]),
    (46, [("Failures per day by error class", 6), ("Success rate", 6)]),
    (46, [("Incidents", 6), ("Time to resolve", 6)]),
    (34, [("New errors", 12)]),
]
