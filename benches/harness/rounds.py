"""The measuring itself: every contender once a round, so that a machine that drifts hits all alike."""

import sys
from datetime import datetime, timedelta, timezone

import measure
from contender import check
from simulator import NEW, History, Simulator

# After the last failure of a history, so that the day that a run reads again is empty.
QUIET = timedelta(days=2)
# A peer whose first load takes longer than the first number of seconds has at most the second number of rounds.
SLOW = ((100, 1), (40, 2))


class Bench:
    """Shared by all parts: the program, the results, and the work folder."""

    def __init__(self, program, results, work, timeout, not_installed):
        self.program, self.results, self.work, self.timeout = program, results, work, timeout
        # By name, why.
        self.not_installed = not_installed

    def step(self, contender, place, source, *, part, size, number, step, timeout=None):
        """Measures one step and returns what it took; raises `measure.Failed`."""
        command, env = contender.command(place, source, step)
        if step == "again":
            place.tidy()
        place.settle()
        log, cpu = place.log_position(), place.cpu()
        record = {
            "part": part, "database": place.kind, "size": size, "round": number, "kind": contender.kind,
            "contender": contender.name, "label": contender.label, "step": step, "problem": None,
        }
        began = datetime.now(timezone.utc)
        try:
            taken = measure.run(command, work=place.work, env=env, timeout=timeout or self.timeout)
        except measure.Failed as problem:
            self.results.add(**record | {"problem": str(problem)})
            print_line(f"  {contender.name}, {step}: {problem}")
            raise
        found = {
            "wall": taken.wall, "cpu": taken.cpu, "peak": taken.peak,
            "server_cpu": None if cpu is None else place.cpu() - cpu,
            "log": None if log is None else place.log_position() - log,
            "outcome": contender.outcome(taken),
        }
        # What follows the last rows, which nobody else has, is a step of its own.
        if step == "first" and (loaded := contender.loaded(place, taken)):
            self.results.add(**record | {"step": "whole"}, **found)
            found["wall"] = (loaded - began).total_seconds()
        self.results.add(**record, **found)
        print_line(f"  {contender.name}, {step}: {taken.wall:.3f} s, {taken.cpu:.3f} s CPU, {taken.peak / 1e6:.0f} MB")
        return taken

    def count(self, contender, place, history, *, part, number):
        """Rejects a first load of ours that did not load as many as there are."""
        size = history.failures
        found = int(place.ask("select count(*) from provisioning_failures"))
        # The program asks for a second more on both sides, in which others may have happened.
        beside = 1 + 2 * size // (history.days * 86_400)
        if not size <= found <= size + beside:
            self.reject(part, place, size, number, contender, "first", f"{found:,} failures instead of {size:,}")
            raise measure.Failed("rows are missing")

    def reject(self, part, place, size, number, contender, step, problem):
        """Removes the time of a step, because it loaded wrong rows."""
        print_line(f"  {contender.name}, {step}: {problem}")
        where = (part, place.kind, size, number, contender.name, step, problem)
        self.results.reject(*where)
        self.results.write({"rejected": where})

    def is_hopeless(self, contender, database, size):
        """True if there is no use in trying this; logs the reason."""
        before = self.results.median("end to end", database, size // 10, contender.name, "first", "wall")
        if contender.name in self.not_installed:
            problem = self.not_installed[contender.name]
        elif before is not None and before * 8 > self.timeout:
            problem = f"not tried: a tenth of the rows took {before:.0f} s"
        else:
            return False
        self.results.add(part="end to end", database=database, size=size, round=1, kind=contender.kind,
                         contender=contender.name, label=contender.label, step="first", problem=problem)
        print_line(f"{database}, {size:,} failures, {contender.name}: {problem}")
        return True


def end_to_end(bench, database, history, contenders, places, truth, rounds, after_first):
    """All steps of all contenders for one size on one database."""
    out = {contender.name for contender in contenders if bench.is_hopeless(contender, database, history.failures)}
    left = {contender.name: rounds(contender) for contender in contenders}
    for number in range(1, max(left.values()) + 1):
        for contender in contenders:
            if number > left[contender.name] or contender.name in out:
                continue
            print_line(f"{database}, {history.failures:,} failures, round {number}: {contender.label}")
            place = places(database)
            place.make()
            try:
                contender.prepare(place, history)
                first = one_round(bench, contender, place, history, truth, number, after_first)
                if contender.kind == "peer":
                    left[contender.name] = fewer(left[contender.name], first)
            except measure.Failed:
                out.add(contender.name)
            finally:
                place.drop()


def fewer(rounds, seconds):
    for slow, most in SLOW:
        if seconds > slow:
            return min(rounds, most)
    return rounds


def one_round(bench, contender, place, history, truth, number, after_first):
    """The steps of one contender, each checked. Returns the seconds of the first load."""
    where = {"part": "end to end", "size": history.failures, "number": number}
    seconds = history.seconds_for_new()
    taken = {}

    def run(step, source):
        taken[step] = bench.step(contender, place, source, step=step, **where)

    def compare(step, wanted):
        if problem := check(contender, place, wanted):
            bench.reject(where["part"], place, where["size"], number, contender, step, problem)
            raise measure.Failed(problem)

    with Simulator(bench.program, history) as source:
        run("first", source)
        compare("first", truth["before"])
        after_first(contender, place, history)
        for step in ("again", "no-op"):
            if step in contender.steps:
                run(step, source)
        if "new" in contender.steps:
            source.advance(seconds)
            run("new", source)
            compare("new", truth["after"])
    if "quiet new" in contender.steps:
        rows = truth["after"]["failures"][0]
        quiet(bench, contender, place, history.later(seconds), rows, where)
    return taken["first"].wall


def quiet(bench, contender, place, last, rows, where):
    """Nothing new, and then a thousand new ones, where nothing happened in the day that is read again."""
    with Simulator(bench.program, History(failures=0, now=last + QUIET)) as source:
        bench.step(contender, place, source, step="quiet no-op", **where)
    new_ones(bench, contender, place, last + 2 * QUIET, rows + NEW, where)


def new_ones(bench, contender, place, now, rows, where):
    """A thousand new failures in the day before `now`, the only ones that the source has."""
    with Simulator(bench.program, History(failures=NEW, days=1, now=now)) as source:
        bench.step(contender, place, source, step="quiet new", **where)
    found = int(place.ask("select count(*) from provisioning_failures"))
    if found != rows:
        problem = f"{found:,} failures instead of {rows:,}"
        bench.reject(where["part"], place, where["size"], where["number"], contender, "quiet new", problem)
        raise measure.Failed(problem)


def print_line(text):
    print(text, file=sys.stderr, flush=True)
