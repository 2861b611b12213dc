"""Run a command on a busy machine, and say how long it would take on one that is its own.

    python benchmarks/clock_alone.py PROCESSORS COMMAND...

The threads of all its processes are looked at fifty times a second (Linux): what they have computed since the
last look would have taken as long, divided by how many of them could run, or by the processors if these are
fewer; while none could run, time passes as it does. What others cost by filling the caches stays in it.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

PAUSE = 0.02
"""Seconds between two looks."""


def processes(root: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for process in found:  # grows
        found += children.get(process, [])
    return found


def look(root: int) -> tuple[int, dict[str, float]]:
    """Return how many threads run, or wait for a processor or a disk, and the seconds of work of each."""
    ready, computed = 0, {}
    for process in processes(root):
        for task in Path(f"/proc/{process}/task").glob("*"):
            try:
                ready += (task / "stat").read_text().rpartition(")")[2].split()[0] in "RD"
                computed[task.name] = int((task / "schedstat").read_text().split()[0]) / 1e9
            except OSError:
                continue
    return ready, computed


def main() -> None:
    """Run the command, and print one line."""
    processors, command = int(sys.argv[1]), sys.argv[2:]
    began = last = time.monotonic()
    alone = beside = 0.0
    before: dict[str, float] = {}
    with subprocess.Popen(command) as run:
        while run.poll() is None:
            ready, computed = look(run.pid)
            now = time.monotonic()
            new = sum(seconds - before.get(task, 0.0) for task, seconds in computed.items())
            alone += new / min(ready, processors) if ready else max(new, now - last)
            beside += new if ready > 1 else 0.0
            before |= computed
            last = now
            time.sleep(PAUSE)
    times = os.times()
    cpu = times.children_user + times.children_system
    print(
        f"{time.monotonic() - began:.1f} s by the clock, {alone:.1f} on {processors} processors of its own; "
        f"{cpu:.1f} CPU s, {beside:.1f} of them beside each other"
    )
    sys.exit(run.returncode)


if __name__ == "__main__":
    main()
