"""Starts one command, waits for it, and writes down what it took.

    starter.py REPORT OUT ERR COMMAND...

A process of its own, and a small one: Linux counts the memory that a process had before it became
another program, so a command started by the harness itself would seem to need the harness's memory.
What this file needs, about 8 MB, is the least that can be distinguished.
"""

import json
import os
import sys
import time

WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def main(report, out, err, *command):
    files = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, out, WRITE, 0o644),
        (os.POSIX_SPAWN_OPEN, 2, err, WRITE, 0o644),
    ]
    began = time.monotonic()
    child = os.posix_spawnp(command[0], list(command), os.environ, file_actions=files)
    _, status, used = os.wait4(child, 0)
    wall = time.monotonic() - began
    # macOS gives bytes, Linux kilobytes.
    unit = 1 if sys.platform == "darwin" else 1024
    with open(report, "w", encoding="utf-8") as file:
        json.dump({
            "code": os.waitstatus_to_exitcode(status),
            "wall": wall,
            "user": used.ru_utime,
            "sys": used.ru_stime,
            "peak": used.ru_maxrss * unit,
        }, file)


main(*sys.argv[1:])
