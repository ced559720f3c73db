"""Values of Superset and of SQL in one form, so that they can be compared."""

from datetime import date, datetime, timezone
from decimal import Decimal

TIMES = ("_at", "_through", "day", "month")


def as_text(name, value):
    """A value of a column as text: the same for an answer of Superset, of Postgres and of SQLite."""
    if value is None:
        return "∅"
    if name.endswith(TIMES):
        return as_time(value)
    if isinstance(value, (bool, int, float, Decimal)):
        return f"{float(value):.4f}".rstrip("0").rstrip(".")
    return str(value)


def as_time(value):
    if isinstance(value, (int, float)):
        moment = datetime.fromtimestamp(value / 1000, timezone.utc)
    elif isinstance(value, str):
        moment = datetime.fromisoformat(value)
    elif isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day)
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).astimezone(timezone.utc).isoformat(" ", "milliseconds")


def as_rows(columns, rows):
    """The rows of a table, in their order."""
    return [tuple(as_text(name, value) for name, value in zip(columns, row)) for row in rows]


def as_series(axis, points):
    """The values of series by their place on the axis and their name. A chart draws no point for nothing."""
    named = {(as_text(axis, place), name): as_text("", value) for place, name, value in points if value}
    return {point: value for point, value in named.items() if value != "0"}
