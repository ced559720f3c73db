"""Measures the program, the floors and the peers, and writes results, tables and plots.

Started by run.sh, which finds what is needed. See README.md.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import growth
import machine
import memory
import peers
import plots
import report
from floors import floors
from ours import Ours, knows_raw
from places import PostgresPlace, SqlitePlace
from postgres import Postgres
from results import Results
from rounds import Bench, end_to_end, print_line
from simulator import History
from truth import truth_of

HERE = Path(__file__).resolve().parent.parent
PARTS = ("ours", "floors", "peers", "growth", "memory")
SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}


def main():
    args = arguments()
    if args.report:
        return write_down(Results.read(args.report), args.output)
    # So that the `finally` below runs when somebody ends this.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    venvs, problems = peers.install(HERE, args.peers) if "peers" in args.only else (None, {})
    work = Path(tempfile.mkdtemp(prefix="onelogin-sync-bench-", dir=args.work))
    # Postgres may run as somebody else, who has to reach its data.
    work.chmod(0o755)
    server = None
    try:
        if "postgres" in args.databases:
            server = Postgres(args.postgres, work)
            server.start()
        measure_all(args, work, server, venvs, problems)
    finally:
        if server:
            server.stop()
        shutil.rmtree(work, ignore_errors=True)
    return 0


def measure_all(args, work, server, venvs, problems):
    now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    head = machine.describe(work, HERE.parent, args.program, server)
    noted = peers.notes(HERE, args.peers) if venvs else {}
    head |= {"command": args.described, "rounds": args.rounds, "peers": noted}
    results = Results(HERE / "results" / f"{now}.jsonl", head)
    bench = Bench(args.program, results, work, args.timeout, problems)

    def places(kind, name="bench"):
        folder = work / "place" / name
        return PostgresPlace(server, name, folder) if kind == "postgres" else SqlitePlace(folder)

    if {"ours", "floors", "peers"} & set(args.only):
        for size in args.sizes:
            load(args, bench, places, venvs, History(SIZES[size]))
    for name, part in (("memory", memory), ("growth", growth)):
        if name in args.only:
            for database in args.databases:
                part.run(bench, database, places, args)
    print_line(f"raw results: {results.file.relative_to(HERE.parent)}")
    write_down(results, args.output)


def load(args, bench, places, venvs, history):
    """Everything of one size."""
    print_line(f"working out the truth for {history.failures:,} failures")
    truth = truth_of(args.program, history)
    ours = Ours(args.program)
    finished = bench.work / "finished"

    def rounds(contender):
        return min(args.rounds, args.peer_rounds) if contender.kind == "peer" else args.rounds

    for database in args.databases:
        floor = floors(ours, finished)[database]

        def after_first(contender, place, history):
            # The floor loads what our first load made.
            if contender is ours and "floors" in args.only:
                floor[0].dump(place, history)

        contenders = taking_part(args, venvs, database, ours, floor)
        end_to_end(bench, database, history, contenders, places, truth, rounds, after_first)
        shutil.rmtree(finished, ignore_errors=True)


def taking_part(args, venvs, database, ours, floor):
    contenders = []
    if "ours" in args.only:
        contenders.append(ours)
        if knows_raw(args.program):
            contenders.append(Ours(args.program, raw="none"))
    if "floors" in args.only:
        contenders += floor
    if "peers" in args.only:
        contenders += peers.peers(HERE, venvs, args.peers, database)
    return contenders


def write_down(results, output):
    output.mkdir(parents=True, exist_ok=True)
    drawn = plots.draw(results, output / "plots")
    (output / "RESULTS.md").write_text(report.write(results, drawn), encoding="utf-8")
    print_line(f"wrote {output / 'RESULTS.md'} and {len(drawn)} plots")
    return 0


def arguments():
    parser = argparse.ArgumentParser(prog="benches/run.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="10k and 100k, one round, no growth: some minutes")
    parser.add_argument("--only", type=names(PARTS), help=f"parts, of {','.join(PARTS)} [default: all]")
    parser.add_argument("--sizes", type=names(SIZES), help=f"of {','.join(SIZES)} [default: all]")
    parser.add_argument("--databases", type=names(("postgres", "sqlite")), default=["postgres", "sqlite"])
    parser.add_argument("--peers", type=lambda text: text.split(","), help="some peers by name [default: all]")
    parser.add_argument("--rounds", type=int, help="[default: 5]")
    parser.add_argument("--peer-rounds", type=int, default=5, help="limit of rounds for peers [default: 5]")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one command [default: 600]")
    parser.add_argument("--work", help="where to put databases meanwhile [default: the system's temporary folder]")
    parser.add_argument("--output", type=Path, help="where RESULTS.md and plots/ go [default: benches if "
                                                    "everything is measured, benches/results if not]")
    parser.add_argument("--report", metavar="FILE", type=Path, nargs="+",
                        help="write the tables of earlier runs' raw results, and measure nothing")
    # From run.sh.
    parser.add_argument("--program", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--postgres", help=argparse.SUPPRESS)
    args = parser.parse_args()
    quick = {"only": ["ours", "floors", "peers", "memory"], "sizes": ["10k", "100k"], "rounds": 1}
    narrowed = args.quick or args.only or args.sizes or args.peers or args.rounds
    if args.output is None:
        # What was measured in part is not to take the place of what the README quotes.
        args.output = HERE / "results" if narrowed or len(args.databases) < 2 else HERE
    usual = quick if args.quick else {"only": list(PARTS), "sizes": list(SIZES), "rounds": 5}
    for name, value in usual.items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    args.described = " ".join(["benches/run.sh", *described(sys.argv[1:])])
    return args


def described(given):
    """The options that describe the measurement; not those that name folders of this machine."""
    given = iter(given)
    for option in given:
        if option in ("--program", "--postgres", "--output", "--work"):
            next(given)
        elif not option.startswith(("--output=", "--work=")):
            yield option


def names(known):
    def parse(text):
        given = text.split(",")
        if unknown := [name for name in given if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is not one of {','.join(known)}")
        return given
    return parse


if __name__ == "__main__":
    sys.exit(main())
