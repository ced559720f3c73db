"""The limits that the program promises, each with the measurement."""

from dataclasses import dataclass

from results import paired

MB = 1_000_000
# The size that the limits are meant for. A quick run compares its largest size with them, and notes it.
SIZE = 1_000_000
NAMES = {"postgres": "Postgres", "sqlite": "SQLite"}
COPY = {"postgres": "psql copy", "sqlite": "sqlite3 import"}
RAW_NONE = "ours, raw none"


@dataclass
class Promise:
    text: str
    limit: float
    found: float | None
    unit: str = "×"
    at_least: bool = False
    note: str = ""

    @property
    def is_kept(self):
        if self.found is None:
            return None
        return self.found >= self.limit if self.at_least else self.found <= self.limit


def promises(results):
    """All of them, for the databases that were measured."""
    found = []
    for database in results.databases():
        if sizes := results.sizes("end to end", database):
            found += loads(results, database, sizes[-1])
            found += increments(results, database, sizes[-1])
        found += memory(results, database)
        found += growth(results, database)
    return found


def loads(results, database, size):
    name, count = NAMES[database], f"{size:,}"
    first = ("ours", "first")

    def against(above, below):
        return results.ratio("end to end", database, size, above, below)

    copy, peer = {"postgres": (1.4, 1.4), "sqlite": (1.5, 1.6)}[database]
    fastest = fastest_peer(results, database, size)
    rival = (fastest, "first") if fastest else None
    yield Promise(f"{name}, first load of {count}: by the database's own loader", copy,
                  against(first, (COPY[database], "first")))
    yield Promise(f"{name}, first load of {count}: the fastest peer, by ours", peer,
                  rival and against(rival, first), at_least=True, note=fastest or "")
    if database == "postgres":
        yield Promise(f"{name}, the same with `--raw none`", 2, rival and against(rival, (RAW_NONE, "first")),
                      at_least=True, note=fastest or "")
    yield Promise(f"{name}, first load of {count}: dlt's default, by ours", 5,
                  against(("dlt-default", "first"), first), at_least=True)
    if database == "postgres":
        yield Promise(f"{name}, {count} again, all unchanged: by our first load", 0.35,
                      against(("ours", "again"), first))
        log = results.median("end to end", database, size, "ours", "again", "log")
        yield Promise(f"{name}, {count} again: write-ahead log", 1, log and log / MB, "MB")


def increments(results, database, size):
    name = NAMES[database]

    def median(step, field):
        return results.median("end to end", database, size, "ours", step, field)

    def thousandths(value):
        return value and value * 1000

    if database == "sqlite":
        for step, what in (("quiet no-op", "nothing new, nothing in the day before"),
                            ("no-op", "nothing new, the day before read again")):
            yield Promise(f"{name}, {what}", 30, thousandths(median(step, "wall")), "ms")
            peak = median(step, "peak")
            yield Promise(f"{name}, {what}: peak memory", 15, peak and peak / MB, "MB")
    limit = {"postgres": 100, "sqlite": 60}[database]
    for step, what in (("quiet new", "nothing in the day before"), ("new", "the day before read again")):
        yield Promise(f"{name}, 1,000 new, {what}", limit, thousandths(median(step, "wall")), "ms")


def memory(results, database):
    for size in results.sizes("one answer", database):
        peak = results.median("one answer", database, size, "ours", "first", "peak")
        yield Promise(f"{NAMES[database]}, {size:,} in one answer: peak memory", 48, peak and peak / MB, "MB")


def growth(results, database):
    sizes = results.sizes("growth", database)
    for step, what, limit in (("first", "wall per row of a first load", 1.3), ("quiet new", "1,000 new", 1.2)):
        by_size = {size: results.series("growth", database, size, "ours", step) for size in sizes}
        have = [size for size in sizes if by_size[size]]
        if len(have) < 2:
            continue
        small, large = have[0], have[-1]
        ratio = paired(by_size[large], by_size[small])
        if step == "first" and ratio:
            ratio /= large / small
        yield Promise(f"{NAMES[database]}, {what}: {large:,} by {small:,}", limit, ratio)


def fastest_peer(results, database, size):
    """The name of the peer with the shortest first load."""
    taken = {
        name: results.median("end to end", database, size, name, "first", "wall")
        for name, _, kind in results.contenders("end to end", database, size) if kind == "peer"
    }
    taken = {name: wall for name, wall in taken.items() if wall is not None}
    return min(taken, key=taken.get) if taken else None
