"""The other tools: installed by a script, started by a script, each with its own folder in peers/."""

import subprocess
import sys
import tomllib

from contender import Contender, Rows
from simulator import KEY, instant

# The default tables and columns of a peer. Its peers.toml may name others.
ROWS = {
    "failures": {
        "table": "failures",
        "columns": ["id", "login_id", "user_id", "created_at", "description", "error_description"],
        "order": "id",
    },
    "users": {
        "table": "users",
        "columns": ["id", "email", "username", "firstname", "lastname"],
        "order": "id",
    },
}
SECONDS = {"postgres": "extract(epoch from created_at)::bigint", "sqlite": "strftime('%s', created_at)"}


class Peer(Contender):
    kind = "peer"
    steps = ("first", "no-op", "new")

    def __init__(self, folder, described, venvs):
        self.folder, self.venvs = folder, venvs
        self.name = described["name"]
        self.label = described["label"]
        self.start = described["command"]
        self.databases = described.get("databases", ["postgres", "sqlite"])
        self.described_rows = described.get("rows", {})

    def prepare(self, place, history):
        (place.work / "state").mkdir()
        setup = self.folder / f"setup.{place.kind}.sql"
        if setup.exists():
            place.ask(setup.read_text(encoding="utf-8"))

    def command(self, place, source, step):
        env = {
            "BENCH_URL": source.url,
            "BENCH_KEY": KEY,
            "BENCH_SINCE": instant(source.history.since),
            "BENCH_DATABASE": place.kind,
            "BENCH_TO": place.url if place.kind == "postgres" else str(place.file),
            "BENCH_STATE": str(place.work / "state"),
            "BENCH_VENVS": str(self.venvs),
        }
        start = [str(self.venvs / part.removeprefix("venv:")) if part.startswith("venv:") else part
                 for part in self.start]
        script = [str(self.folder / part) if (self.folder / part).is_file() else part for part in start]
        return script, env

    def rows(self, place):
        ours = self.described_rows.get(place.kind, {})
        found = {}
        for kind, usual in ROWS.items():
            rows = usual | ours.get(kind, {})
            columns = [SECONDS[place.kind] if name == "created_at" else name for name in rows["columns"]]
            found[kind] = Rows(rows["table"], tuple(columns), rows["order"])
        return found


def described(home):
    """Folder and description of every peer, in the order of the folders' names."""
    for file in sorted((home / "peers").glob("*/peers.toml")):
        for peer in tomllib.loads(file.read_text(encoding="utf-8"))["peer"]:
            yield file.parent, peer


def peers(home, venvs, wanted, database):
    made = [Peer(folder, peer, venvs) for folder, peer in described(home) if chosen(peer, wanted)]
    return [peer for peer in made if database in peer.databases]


def chosen(peer, wanted):
    return not wanted or peer["name"] in wanted


def install(home, wanted):
    """Makes what environments are missing, in the folder that is returned. Also returns, by the names of
    peers, why they could not be installed."""
    venvs = home / ".cache"
    problems = {}
    for folder, peer in described(home):
        if not chosen(peer, wanted):
            continue
        done = subprocess.run([str(home / "peers" / "install.sh"), str(folder), str(venvs)],
                              stderr=subprocess.PIPE, text=True)
        sys.stderr.write(done.stderr)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            problems[peer["name"]] = f"could not be installed: {reason[:200]}"
    return venvs, problems


def notes(home, wanted):
    """By label, what was installed of each peer, and how it was used."""
    return {
        peer["label"]: {"version": ", ".join(versions(folder)) or "", "note": peer["note"]}
        for folder, peer in described(home) if chosen(peer, wanted)
    }


def versions(folder):
    """The first requirement is the tool itself."""
    for file in sorted(folder.glob("requirements*.txt")):
        lines = file.read_text(encoding="utf-8").splitlines()
        yield next(line.replace("==", " ") for line in lines if "==" in line)
