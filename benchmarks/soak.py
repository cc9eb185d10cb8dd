"""Whether a worker's memory stays flat over many requests: every operation in turns, and a look at ten points."""

import argparse
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import report
from benchmarks.console import say
from benchmarks.contest import Contestant, numbered
from benchmarks.processes import Memory, worker_memories
from benchmarks.serving import SERVERS
from benchmarks.sides import OURS, database
from benchmarks.wrk import Refused

POINTS = 10
SECONDS = 3  # of a run of one operation
SETTLED = 2  # the point from which on memory must not grow: caches are filled by then
TOLERANCE = 0.05  # by which it may, all the same
RESERVED_SECONDS = 30  # before the whole run is given up: for what a run still takes, and to stop in order


@dataclass(frozen=True, slots=True)
class Point:
    """After so many requests, the memory of each worker."""

    requests: int
    memories: Sequence[Memory]

    @property
    def resident(self) -> float:
        """MiB of the largest worker."""
        return max(memory.resident for memory in self.memories)


def measure(options: argparse.Namespace) -> list[Point]:
    """Send `options.soak` requests, all operations in turns, to a directory of the first size; a point each tenth.
    Where the time (`options.minutes`) does not allow of as many, there are fewer points.

    Raises Refused where an answer was wrong, or where there are too few points to judge by.
    """
    end = time.monotonic() + options.minutes * 60 - RESERVED_SECONDS
    users = options.users[0]
    points: list[Point] = []
    numbers, done = numbered(), 0
    with (
        database(options.postgres, OURS, users, keep=options.keep) as url,
        OURS.serving(SERVERS[options.server], url, workers=options.workers, threads=options.threads) as running,
    ):
        contestant, started = Contestant("ours", OURS, running, users), time.monotonic()
        for name in itertools.cycle(options.operations):
            done += contestant.run(name, options, SECONDS, next(numbers)).requests
            while done >= options.soak * (len(points) + 1) // POINTS:
                points.append(Point(done, worker_memories(running.process.pid, options.workers)))
                say(f"{done:,} requests after {time.monotonic() - started:.0f} s: {points[-1].resident:.1f} MiB")
            if len(points) == POINTS or time.monotonic() > end:
                break
    if len(points) <= SETTLED:
        raise Refused(f"{done:,} requests in {options.minutes:g} minutes are too few; see --minutes")
    return points


def grown(points: Sequence[Point]) -> float:
    """By which part the largest worker grew from the settled point to the last."""
    return points[-1].resident / points[SETTLED - 1].resident - 1


def table(points: Sequence[Point]) -> str:
    """A row a point, and the judgement below."""
    header = ["Requests"]
    for number in range(len(points[0].memories)):
        header += [f"worker {number + 1}, MiB resident", "proportional"]
    rows = []
    for point in points:
        cells = [f"{point.requests:,}"]
        for memory in point.memories:
            cells += [f"{memory.resident:.1f}", f"{memory.proportional:.1f}"]
        rows.append(cells)
    verdict = "flat" if grown(points) <= TOLERANCE else "NOT flat"
    return f"{report.table(header, rows)}\n\nFrom the second row to the last: {grown(points):+.1%}, {verdict}."
