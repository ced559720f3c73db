"""Peak memory when everything comes in one answer."""

import measure
from ours import Ours
from rounds import print_line
from simulator import History, Simulator

# Shorter than the week that a first run asks for at a time, so that all of it is one answer.
DAYS = 6
SIZES = (1_000_000, 3_000_000)
QUICK = (30_000, 100_000)
# Memory hardly varies.
ROUNDS = 2


def measure_one(bench, ours, place, history, number):
    where = {"part": "one answer", "size": history.failures, "number": number}
    place.make()
    try:
        with Simulator(bench.program, history) as source:
            bench.step(ours, place, source, step="first", **where)
        bench.count(ours, place, history, part=where["part"], number=number)
    except measure.Failed:
        # It is in the results.
        pass
    finally:
        place.drop()


def measure_all(bench, database, places, sizes, rounds):
    for number in range(1, rounds + 1):
        for size in sizes:
            print_line(f"{database}, {size:,} failures in one answer, round {number}")
            measure_one(bench, Ours(bench.program), places(database), History(size, days=DAYS), number)


def run(bench, database, places, args):
    measure_all(bench, database, places, QUICK if args.quick else SIZES, min(args.rounds, ROUNDS))
