"""What the processes of a server use: memory and processor time, as Linux tells (proc(5))."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB of a process. resident: all that it maps (RSS); proportional: shared pages counted in part (PSS)."""

    resident: float
    proportional: float


def worker_memories(pid: int, workers: int) -> Sequence[Memory]:
    """Of each worker, the `workers` largest processes below `pid`, in the order of their numbers."""
    found = {child: _memory(child) for child in _below(pid)}
    largest = sorted(found, key=lambda child: found[child].proportional, reverse=True)[:workers]
    return [found[child] for child in sorted(largest)]


def worker_memory(pid: int, workers: int) -> float:
    """Proportional MiB of a worker: the mean of them."""
    sizes = [memory.proportional for memory in worker_memories(pid, workers)]
    return sum(sizes) / len(sizes)


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


def _memory(pid: int) -> Memory:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    sizes = {name: int(line.split()[1]) / 1024 for line in lines for name in ("Rss:", "Pss:") if line.startswith(name)}
    return Memory(resident=sizes["Rss:"], proportional=sizes["Pss:"])
