"""The time per row as the number of rows grows."""

from datetime import timedelta

import measure
from ours import Ours
from rounds import new_ones, print_line
from simulator import DAYS, NEW, History, Simulator

FIRST_LOADS = (300_000, 3_000_000)
# They are long, so that they vary less.
FIRST_LOAD_ROUNDS = 3
# A history, and how many times a table holds it.
SMALL = 100_000
COPIES = 100
# Between two runs on the same table; more than what a run reads again.
APART = timedelta(days=2)

# A copy happened whole histories earlier. The first six bytes of a failure's id are its time in
# milliseconds, so that copies lie in the index as real ones would.
POSTGRES_COPIES = """
drop index provisioning_failures_by_time;
insert into provisioning_failures
select {columns} from generate_series(1, {copies}) as n, provisioning_failures;
create index provisioning_failures_by_time on provisioning_failures (account, created_at);
"""
SQLITE_COPIES = """
pragma synchronous = off;
pragma cache_size = -262144;
drop index provisioning_failures_by_time;
insert into provisioning_failures
with recursive numbers (n) as (select {copies} union all select n - 1 from numbers where n > 1)
select {columns} from numbers cross join (select * from provisioning_failures order by failure_id);
create index provisioning_failures_by_time on provisioning_failures (account, created_at);
analyze;
pragma wal_checkpoint(truncate);
"""
SHIFTED = {
    "postgres": {
        "failure_id": "(lpad(to_hex((extract(epoch from created_at) * 1000)::bigint - n * {ms}::bigint), 12, '0')"
                      " || substr(replace(failure_id::text, '-', ''), 13))::uuid",
        "created_at": "created_at - n * interval '{days} days'",
    },
    "sqlite": {
        "failure_id": "substr(printf('%012x', strftime('%s', created_at) * 1000 - n * {ms}), 1, 8) || '-' ||"
                      " substr(printf('%012x', strftime('%s', created_at) * 1000 - n * {ms}), 9) ||"
                      " substr(failure_id, 14)",
        "created_at": "strftime('%Y-%m-%d %H:%M:%f+00:00', created_at, '-' || (n * {days}) || ' days')",
    },
}


def run(bench, database, places, args):
    first_loads(bench, database, places, min(args.rounds, FIRST_LOAD_ROUNDS))
    increments(bench, database, places, args.rounds)


def first_loads(bench, database, places, rounds):
    ours = Ours(bench.program)
    for number in range(1, rounds + 1):
        for size in FIRST_LOADS:
            print_line(f"{database}, growth: {size:,} failures, round {number}")
            place = places(database)
            place.make()
            try:
                history = History(size)
                with Simulator(bench.program, history) as source:
                    bench.step(ours, place, source, part="growth", size=size, number=number, step="first")
                bench.count(ours, place, history, part="growth", number=number)
            except measure.Failed:
                return
            finally:
                place.drop()


def increments(bench, database, places, rounds):
    """A thousand new failures into a small table and into one a hundred times as large, alternately."""
    ours = Ours(bench.program)
    history = History(SMALL)
    tables = {SMALL: places(database, "small"), SMALL * COPIES: places(database, "large")}
    try:
        for size, place in tables.items():
            place.make()
            with Simulator(bench.program, history) as source:
                bench.step(ours, place, source, part="preparation", size=size, number=1, step="first")
            if size > SMALL:
                print_line(f"{database}, growth: making a table of {size:,} failures")
                copy(place, COPIES - 1)
            place.tidy()
        for number in range(1, rounds + 1):
            for size, place in tables.items():
                print_line(f"{database}, growth: new failures into a table of {size:,}, round {number}")
                rows = int(place.ask("select count(*) from provisioning_failures"))
                where = {"part": "growth", "size": size, "number": number}
                new_ones(bench, ours, place, history.now + number * APART, rows + NEW, where)
    except measure.Failed:
        # It is in the results.
        pass
    finally:
        for place in tables.values():
            place.drop()


def copy(place, copies):
    """Fills the table by itself, because syncing that number of rows would take longer than all the rest."""
    if place.kind == "postgres":
        names = place.ask("select attname from pg_attribute where attrelid = 'provisioning_failures'::regclass "
                          "and attnum > 0 and not attisdropped order by attnum").split("\n")
    else:
        names = place.ask("select name from pragma_table_info('provisioning_failures') order by cid").split("\n")
    figures = {"days": DAYS, "ms": DAYS * 86_400_000}
    shifted = {name: sql.format(**figures) for name, sql in SHIFTED[place.kind].items()}
    columns = ", ".join(shifted.get(name, name) for name in names)
    template = POSTGRES_COPIES if place.kind == "postgres" else SQLITE_COPIES
    place.ask(template.format(columns=columns, copies=copies))
