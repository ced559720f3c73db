"""The contenders: programs that load the simulator's failures into a place."""

from dataclasses import dataclass

import measure

# The columns of truth.FAILURE and truth.PERSON, in the same order, as expressions of SQL.
COLUMNS = {"failures": 6, "users": 5}


@dataclass(frozen=True)
class Rows:
    """The table in which a contender keeps one kind of row, and how to read it as the truth is written."""

    table: str
    columns: tuple
    order: str


class Contender:
    """A contender. `kind` is ours, floor or peer."""

    kind = ""
    name = ""
    label = ""
    # The steps that it can do, in the order in which they are done.
    steps = ("first",)

    def prepare(self, place, history):
        """Makes the place ready. Not measured."""

    def command(self, place, source, step):
        """The command of a step, and its environment. `source` is a Simulator."""
        raise NotImplementedError

    def rows(self, place):
        """The rows by kind; empty for a contender that keeps nothing."""
        return {}

    def loaded(self, place, taken):
        """The time at which the last rows and their indexes were committed; `None` if that is the end of the command."""
        return None

    def outcome(self, taken):
        """The command's own report, for the raw results."""
        return None


def check(contender, place, truth):
    """The difference from the truth, as a text; `None` if there is no difference."""
    for kind, rows in contender.rows(place).items():
        assert len(rows.columns) == COLUMNS[kind], (contender.name, kind)
        try:
            found = place.digest(rows.table, rows.columns, rows.order)
        except measure.Failed as problem:
            return f"its {kind} {problem}"
        wanted = truth[kind]
        if found[0] != wanted[0]:
            return f"{found[0]:,} {kind} instead of {wanted[0]:,}"
        if found[1] != wanted[1]:
            return f"{found[0]:,} {kind}, but not the same"
    return None
