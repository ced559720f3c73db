"""SQL for the numbers of the dashboard, written apart from Superset's: bi/superset/check.py compares the two.

`{filtered}` is where the dashboard's filters go. A column has the name that Superset gives it. The three columns of a
query of `SERIES` are the place on the axis, the series and the value."""

DAY = "substr(cast({} as text), 1, 10)"

# One number, of the column with the metric's name.
NUMBERS = {
    "Leavers overdue": """
        select count(distinct user_id) as leavers_overdue from outstanding_deprovisioning
        where is_overdue and status = 'open' {filtered}""",
    "Leavers overdue, unknown": """
        select count(distinct user_id) as leavers_overdue_unknown from outstanding_deprovisioning
        where is_overdue and status = 'unknown' {filtered}""",
}

# Rows, in the order of the chart.
TABLES = {
    "Freshness": """
        select account, source, last_run_status, scanned_through, open_rejects from sync_health
        where true {filtered} order by scan_age_seconds desc, account, source""",
    "Outstanding deprovisioning": """
        select status, hours_open, user_id, app_name, operation, reason, attempts, error_class, recommended_action,
            opened_at, account
        from outstanding_deprovisioning where true {filtered} order by status, hours_open desc, opened_at, case_id""",
    "Incidents": """
        select started_at, kind, app_name, error_class, people, failures, account from app_incidents
        where true {filtered} order by started_at desc, incident_id""",
    "Time to resolve": """
        select month, app_name, operation, cases, round(median_seconds / 3600.0, 1) as median_hours,
            round(p90_seconds / 3600.0, 1) as p90_hours, account
        from time_to_resolve where true {filtered} order by month desc, cases desc, app_name, operation, account""",
    "New errors": """
        select first_failure_at, failures, error_class, retryable, recommended_action, example, account from new_errors
        where true {filtered} order by failures desc, error_fingerprint, account""",
}

SERIES = {
    "Open cases by app": """
        select app_name, case status when 'open' then 'open_cases' else 'unknown_cases' end as series, count(*)
        from open_cases where true {filtered} group by 1, 2""",
    "Backlog per day": f"""
        select {DAY.format("day")} as day, operation, sum(unresolved_at_end)
        from backlog_daily where true {{filtered}} group by 1, 2""",
    "Failures per day by error class": f"""
        select {DAY.format("created_at")} as created_at, error_class, count(*)
        from failures where true {{filtered}} group by 1, 2""",
    "Success rate": f"""
        select {DAY.format("day")} as day, 'share_of_successes', 1.0 * sum(successes) / sum(successes + failures)
        from success_rate where true {{filtered}} group by 1""",
}

CHARTS = NUMBERS | TABLES | SERIES

# Certified metrics by dataset, where possible from tables that the views are made of.
METRICS = {
    ("outstanding_deprovisioning", "leavers_overdue"): NUMBERS["Leavers overdue"].format(filtered=""),
    ("outstanding_deprovisioning", "leavers_overdue_unknown"): NUMBERS["Leavers overdue, unknown"].format(filtered=""),
    ("outstanding_deprovisioning", "open_cases"): """
        select count(*) from cases where status = 'open' and operation in ('suspend', 'delete')""",
    ("outstanding_deprovisioning", "unknown_cases"): """
        select count(*) from cases where status = 'unknown' and operation in ('suspend', 'delete')""",
    ("outstanding_deprovisioning", "people"): """
        select count(distinct user_id) from cases where status <> 'resolved' and operation in ('suspend', 'delete')""",
    ("open_cases", "open_cases"): "select count(*) from cases where status = 'open'",
    ("open_cases", "unknown_cases"): "select count(*) from cases where status = 'unknown'",
    ("open_cases", "people"): "select count(distinct user_id) from provisioning_cases where resolved_at is null",
    ("failures", "failures"): """
        select count(*) from provisioning_failures where outcome = 'failed' and twin_of is null""",
    ("failures", "people"): """
        select count(distinct user_id) from provisioning_failures where outcome = 'failed' and twin_of is null""",
    ("failures_daily", "failures"): """
        select count(*) from provisioning_failures where outcome = 'failed' and twin_of is null""",
}
