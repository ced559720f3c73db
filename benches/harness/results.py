"""The measurements, one JSON object per line, and the sums drawn from them."""

import json
import statistics
from collections import defaultdict


class Results:
    def __init__(self, file, head):
        self.file = file
        self.head = head
        self.records = []
        file.parent.mkdir(parents=True, exist_ok=True)
        self.write({"head": head})

    def add(self, **record):
        self.records.append(record)
        self.write(record)

    def write(self, line):
        with open(self.file, "a", encoding="utf-8") as out:
            out.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    @classmethod
    def read(cls, files):
        """The results of earlier runs, each of other parts or sizes."""
        read = cls.__new__(cls)
        read.head, read.records = {}, []
        for file in files:
            for line in file.read_text(encoding="utf-8").splitlines():
                read.take(json.loads(line))
        return read

    def take(self, line):
        if "rejected" in line:
            self.reject(*line["rejected"])
        elif "head" not in line:
            self.records.append(line)
        elif not self.head:
            self.head = line["head"]
        else:
            self.head["command"] += f"` and `{line['head']['command']}"
            self.head["peers"] |= line["head"]["peers"]

    def reject(self, part, database, size, number, contender, step, problem):
        """Removes the time of a step, because it loaded wrong rows."""
        for record in self.series(part, database, size, contender, step).values():
            if record["round"] == number:
                record["problem"] = problem

    def series(self, part, database, size, contender, step):
        """By round, the records of one step of one contender."""
        found = {}
        for record in self.records:
            key = (record["part"], record["database"], record["size"], record["contender"], record["step"])
            if key == (part, database, size, contender, step):
                found[record["round"]] = record
        return found

    def values(self, part, database, size, contender, step, field):
        series = self.series(part, database, size, contender, step)
        return [r[field] for r in series.values() if r["problem"] is None and r.get(field) is not None]

    def median(self, *where):
        values = self.values(*where)
        return statistics.median(values) if values else None

    def problem(self, part, database, size, contender, step):
        """The first problem of this step; `None` if it always went well."""
        series = self.series(part, database, size, contender, step)
        return next((r["problem"] for r in series.values() if r["problem"]), None)

    def ratio(self, part, database, size, above, below):
        """The time of one step divided by that of another; `above` and `below` are (contender, step)."""
        over = self.series(part, database, size, *above)
        return paired(over, self.series(part, database, size, *below))

    def contenders(self, part, database, size):
        """The contenders, as (name, label, kind), in the order in which they ran."""
        seen = {}
        for r in self.records:
            if (r["part"], r["database"], r["size"]) == (part, database, size):
                seen.setdefault(r["contender"], (r["contender"], r["label"], r["kind"]))
        return list(seen.values())

    def sizes(self, part, database):
        return sorted({r["size"] for r in self.records if r["part"] == part and r["database"] == database})

    def databases(self):
        found = defaultdict(int)
        for record in self.records:
            found[record["database"]] += 1
        return [name for name in ("postgres", "sqlite") if found[name]]


def paired(over, under):
    """The median, over the rounds that have both, of one wall time divided by the other."""
    ratios = [
        over[number]["wall"] / under[number]["wall"]
        for number in over.keys() & under.keys()
        if over[number]["problem"] is None and under[number]["problem"] is None
    ]
    return statistics.median(ratios) if ratios else None
