"""RESULTS.md, from the results."""

import statistics

from postgres import DESCRIPTION
from promises import MB, NAMES, SIZE, promises

PART = "end to end"
# The label of each step of ours.
STEPS = {
    "first": "first load, to the commit of the last rows, the watermark and their indexes",
    "whole": "first load, whole: cases, counts and their indexes, too",
    "again": "the same again, all unchanged",
    "no-op": "nothing new, the day before read again",
    "new": "1,000 new, the day before read again",
    "quiet no-op": "nothing new, nothing in the day before",
    "quiet new": "1,000 new, nothing in the day before",
}


def write(results, drawn):
    parts = [
        "# Results",
        about(results),
        first_table(results),
        promised(results),
        pictures(drawn),
        ours(results),
        *(details(results, database, size)
          for database in results.databases() for size in reversed(results.sizes(PART, database))),
        machine(results.head),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def about(results):
    head = results.head
    return (
        f"Written by `{head['command']}` on {head['date']}, commit {head['commit']}, {head['cores']} cores. "
        "README.md in this folder describes what is measured and how to read it.\n\n"
        "Ratios are medians of the ratios within each round; seconds are medians, with the least and the most "
        "in brackets. A contender whose rows were not equal to the truth has no time."
    )


def first_table(results):
    """The table that the README quotes: one row per contender, both databases side by side."""
    databases = [database for database in results.databases() if results.sizes(PART, database)]
    if not databases:
        return ""
    size = results.sizes(PART, databases[0])[-1]
    rows = {}
    for database in databases:
        for name, label, kind in results.contenders(PART, database, size):
            rows.setdefault(label, (kind, {}))[1][database] = name
    head = ["", *(column for database in databases for column in (NAMES[database], "× ours", "peak MB"))]
    body = []
    for label, (kind, names) in rows.items():
        cells = [f"**{label}**" if kind == "ours" else label]
        for database in databases:
            cells += load_cells(results, database, size, names.get(database))
        body.append(cells)
    body.sort(key=lambda cells: (sort_key(cells[2]), sort_key(cells[-2])))
    return f"## A first load of {size:,} failures, from HTTP to commit\n\n{table(head, body)}"


def load_cells(results, database, size, name):
    """Seconds, ratio and memory of a first load; a dash where there is none."""
    wall = name and results.median(PART, database, size, name, "first", "wall")
    if wall is None:
        problem = name and results.problem(PART, database, size, name, "first")
        return [short(problem) if problem else "–", "", ""]
    times = results.ratio(PART, database, size, (name, "first"), ("ours", "first"))
    peak = results.median(PART, database, size, name, "first", "peak")
    return [seconds(wall), ratio(times), megabytes(peak)]


def short(problem):
    """The kind of a problem; the tables below have all of it."""
    return "not tried" if problem.startswith("not tried") else "failed"


def sort_key(cell):
    return float(cell.replace(",", "")) if cell else float("inf")


def promised(results):
    body = []
    for promise in promises(results):
        found = "not measured" if promise.found is None else f"{figure(promise.found)} {promise.unit}"
        if promise.note and promise.found is not None:
            found += f" ({promise.note})"
        limit = f"{'≥' if promise.at_least else '≤'} {promise.limit:g} {promise.unit}"
        body.append([promise.text, limit, found, {True: "yes", False: "**no**", None: ""}[promise.is_kept]])
    if not body:
        return ""
    sizes = [size for database in results.databases() for size in results.sizes(PART, database)[-1:]]
    note = "" if not sizes or max(sizes) >= SIZE else (
        f"\n\nThe limits are meant for {SIZE:,} failures; this run had at most {max(sizes):,}.")
    return f"## Limits\n\n{table(['', 'limit', 'measured', 'kept'], body)}{note}"


def pictures(drawn):
    return "\n".join(f"![{title}](plots/{file})" for file, title in drawn)


def ours(results):
    parts = []
    for database in results.databases():
        sizes = results.sizes(PART, database)
        if not any(results.series(PART, database, size, "ours", "first") for size in sizes):
            continue
        body = [step_row(results, database, size, step, label)
                for size in sizes for step, label in STEPS.items()]
        server = ["server CPU", "log MB"] if database == "postgres" else []
        head = ["failures", "step", "wall", "CPU", *server, "peak MB"]
        parts.append(f"## onelogin-sync on {NAMES[database]}, step by step\n\n{table(head, body)}")
    return "\n\n".join(parts)


def step_row(results, database, size, step, label):
    def median(field):
        return results.median(PART, database, size, "ours", step, field)

    cells = [f"{size:,}", label, spread(results.values(PART, database, size, "ours", step, "wall")),
             seconds(median("cpu"))]
    if database == "postgres":
        log = median("log")
        cells += [seconds(median("server_cpu")), "" if log is None else figure(log / MB)]
    return [*cells, megabytes(median("peak"))]


def details(results, database, size):
    def by_time(contender):
        return results.median(PART, database, size, contender[0], "first", "wall") or float("inf")

    taking_part = sorted(results.contenders(PART, database, size), key=by_time)
    body = [contender_row(results, database, size, *contender) for contender in taking_part]
    server = ["server CPU"] if database == "postgres" else []
    head = ["", "first load", "rounds", "× ours", "CPU", *server, "peak MB", "no-op", "1,000 new", "rows equal"]
    return f"## {NAMES[database]}, {size:,} failures\n\n{table(head, body)}"


def contender_row(results, database, size, name, label, kind):
    def median(step, field):
        return results.median(PART, database, size, name, step, field)

    walls = results.values(PART, database, size, name, "first", "wall")
    times = results.ratio(PART, database, size, (name, "first"), ("ours", "first"))
    cells = [label, spread(walls), str(len(walls)), ratio(times), seconds(median("first", "cpu"))]
    if database == "postgres":
        cells.append(seconds(median("first", "server_cpu")))
    problems = [f"{step}: {problem}" for step in STEPS
                if (problem := results.problem(PART, database, size, name, step))]
    equal = "; ".join(problems).replace("|", "\\|") or ("yes" if name != "curl" else "")
    return [*cells, megabytes(median("first", "peak")), seconds(median("no-op", "wall")),
            seconds(median("new", "wall")), equal]


def machine(head):
    body = [[name, version] for name, version in head["versions"].items() if version]
    used = [[label, peer["version"], peer["note"]] for label, peer in head["peers"].items()]
    peers = f"\n\n## Peers\n\n{table(['', 'version', 'how'], used)}" if used else ""
    return (
        "## Machine, settings and versions\n\n"
        f"{head['cores']} cores ({head['processor']}), {head['memory_gib']} GiB of memory, {head['kernel']}, "
        f"{head['disk']}. Everything, the simulator included, runs on these cores.\n\n"
        f"Postgres: {DESCRIPTION}. SQLite: as the program opens it, write-ahead log, `synchronous = normal`, "
        f"for the floor too; peers as they open it themselves.\n\n{table(['', 'version'], body)}{peers}"
    )


def table(head, body):
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def figure(value):
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def seconds(value):
    if value is None:
        return ""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.3g} s" if value < 100 else f"{value:,.0f} s"


def spread(values):
    if not values:
        return ""
    middle = seconds(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({seconds(min(values))} – {seconds(max(values))})"


def ratio(value):
    return "" if value is None else f"{value:.2f}"


def megabytes(value):
    return "" if value is None else f"{value / MB:,.0f}"
