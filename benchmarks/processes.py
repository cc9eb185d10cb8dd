"""What the processes of a server use: memory and processor time, as Linux tells (proc(5))."""

import os
from pathlib import Path


def worker_memory(pid: int, workers: int) -> float:
    """MiB of a worker: the mean of the `workers` largest processes below `pid`, shared pages counted in part (PSS)."""
    sizes = sorted(map(_proportional, _below(pid)), reverse=True)[:workers]
    return sum(sizes) / len(sizes) / 1024


def processor_seconds(pid: int) -> float:
    """What a process and all below it have used so far."""
    ticks = 0
    for member in [pid, *_below(pid)]:
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # utime and stime (proc(5), fields 14 and 15)
    return ticks / os.sysconf("SC_CLK_TCK")


def _below(pid: int) -> list[int]:
    children = [
        int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()
    ]
    return children + [grandchild for child in children for grandchild in _below(child)]


def _proportional(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
