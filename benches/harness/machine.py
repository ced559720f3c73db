"""The machine that the figures were taken on."""

import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path


def describe(work, repository, program, server):
    """Texts for the report; nothing that names the machine or its user."""
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "commit": commit(repository),
        "cores": os.cpu_count(),
        "processor": first_value("/proc/cpuinfo", "model name") or platform.processor(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": f"{platform.system()} {platform.release().split('-')[0]}",
        "disk": disk(work),
        "versions": {
            "onelogin-sync": output(program, "--version").split()[-1],
            "Postgres": server.version() if server else None,
            "psql": version_of(output("psql", "--version")),
            "sqlite3": output("sqlite3", "--version").split()[0],
            "curl": output("curl", "--version").split()[1],
            "jq": output("jq", "--version").removeprefix("jq-"),
            "Python": platform.python_version(),
        },
    }


def output(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout.strip()


def version_of(text):
    return next((part for part in text.split() if part[0].isdigit()), text)


def commit(repository):
    """The commit, with a note if files differ from it."""
    try:
        name = output("git", "-C", repository, "rev-parse", "--short=12", "HEAD")
        changed = output("git", "-C", repository, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name}, with changes" if changed else name


def first_value(file, name):
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), None)


def disk(work):
    """The kind of the file system that everything is written to, and of the device below it."""
    if sys.platform != "linux":
        return "unknown"
    best = ("", "unknown", "")
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        device, point, kind = line.split()[:3]
        if (str(work) + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best[0]):
            best = (point, kind, device)
    name = os.path.basename(os.path.realpath(best[2])) if best[2].startswith("/dev/") else ""
    turning = next((Path(p).read_text().strip() for p in
                    (f"/sys/block/{name}/queue/rotational", f"/sys/class/block/{name}/../queue/rotational")
                    if Path(p).exists()), None)
    device = "virtual disk" if name.startswith("vd") else {"0": "solid state", "1": "rotating"}.get(turning, "")
    return ", ".join(part for part in (best[1], device) if part)
