"""`python -m benchmarks.servers`: the directory behind one server package after another (README.md, "The server")."""

import argparse
import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from statistics import median

from benchmarks import probes, report, wrk
from benchmarks.console import end_by_signals, say
from benchmarks.load import ADMINISTRATOR_ID
from benchmarks.processes import processor_seconds, worker_memory
from benchmarks.serving import SERVERS, Running, Server, running
from benchmarks.sides import LOGS, OPERATIONS, OURS, database, postgresql

TIMED = ("current", "list")
WARM_UP_SECONDS = 2
SLOW_HASH = {"ARGON2_PASSES": "100"}


def arguments(given: list[str]) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.servers", description=__doc__)
    parser.add_argument("--servers", default=",".join(SERVERS), help="comma-separated")
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--postgres", default="postgres://postgres@127.0.0.1:5432", help="URL without a database")
    parser.add_argument("--minutes", type=float, default=15, help="the whole run is given up after them")
    parser.add_argument("--write-readme", action="store_true", help="put the tables into benchmarks/README.md")
    return parser.parse_args(given)


def serving(
    server: Server, options: argparse.Namespace, url: str, **more: str
) -> "contextlib.AbstractContextManager[Running]":
    """The directory behind `server`."""
    return running(
        server,
        "benchmarks.asgi:application" if server.asgi else OURS.application,
        environment=OURS.environment(url) | more,
        log=LOGS / "benchmark-server.log",
        workers=options.workers,
        threads=options.threads,
    )


@dataclass(slots=True)
class Measured:
    """What was measured of one server, over rounds. refused: what it answered wrongly.

    costs: milliseconds of processor time a request, of all its processes: what a busy machine hardly distorts.
    """

    figures: Mapping[str, list[wrk.Figure]] = field(default_factory=lambda: {timed: [] for timed in TIMED})
    costs: Mapping[str, list[float]] = field(default_factory=lambda: {timed: [] for timed in TIMED})
    memory: list[float] = field(default_factory=list)  # MiB of a worker
    refused: set[str] = field(default_factory=set)

    def cells(self) -> list[str]:
        """Its part of a row."""
        found: list[str] = []
        for timed in TIMED:
            middle = None if timed in self.refused else report.middle(self.figures[timed])
            found += [report.rate(middle)]
            found += [report.milliseconds(value) for value in ((middle.p50, middle.p99) if middle else (None, None))]
            found += ["failed" if middle is None else f"{median(self.costs[timed]):.2f}"]
        return [*found, f"{median(self.memory):.0f}"]


def speeds(options: argparse.Namespace, names: list[str], url: str) -> dict[str, Measured]:
    """Time every server, in turns; one at a time, or they would use up the database's connections."""
    numbers = count(1)
    measured = {name: Measured() for name in names}
    for turn in range(options.rounds):
        for name in reversed(names) if turn % 2 else names:
            with serving(SERVERS[name], options, url) as process:
                for timed in TIMED:
                    _time(timed, measured[name], options, process, numbers)
                measured[name].memory.append(worker_memory(process.process.pid, options.workers))
            last = {timed: figures[-1].per_second for timed, figures in measured[name].figures.items() if figures}
            say(f"{name}: " + ", ".join(f"{timed} {value:.0f}/s" for timed, value in last.items()))
    return measured


def _time(
    timed: str, measured: Measured, options: argparse.Namespace, process: Running, numbers: Iterator[int]
) -> None:
    request = OURS.request(OPERATIONS[timed], process.port, options.users)
    try:
        for seconds in (WARM_UP_SECONDS, options.seconds):
            before = processor_seconds(process.process.pid)
            figure = wrk.run(
                request,
                origin=process.origin,
                connections=options.connections,
                seconds=seconds,
                number=next(numbers),
            )
    except wrk.Refused as error:
        say(f"FAILED {timed}: {error}")
        measured.refused.add(timed)
    else:
        measured.figures[timed].append(figure)
        spent = processor_seconds(process.process.pid) - before
        measured.costs[timed].append(spent * 1000 / (figure.per_second * options.seconds))


def manners(options: argparse.Namespace, names: list[str], url: str) -> list[list[str]]:
    """A row per probe, a column per server."""
    columns = []
    for name in names:
        with serving(SERVERS[name], options, url) as process:
            target = probes.Target(process, OURS.token(process.port, ADMINISTRATOR_ID), tag=name)
            column = list(probes.outcomes(target))
        with serving(SERVERS[name], options, url, **SLOW_HASH) as process:
            column.append(probes.graceful_stop(probes.Target(process, "", tag=name)))
        say(f"{name}: probed")
        columns.append(column)
    headings = [*probes.PROBES, "SIGTERM during a request"]
    return [[heading, *cells] for heading, cells in zip(headings, zip(*columns, strict=True), strict=True)]


def main(given: list[str]) -> int:
    """Run, and give the exit code."""
    options = arguments(given)
    names = options.servers.split(",")
    end_by_signals(options.minutes)
    try:
        wrk.require()
        versions = ", ".join(sorted({f"{SERVERS[name].package} {version(SERVERS[name].package)}" for name in names}))
        with database(options.postgres, OURS, options.users, keep=False) as url:
            measured = speeds(options, names, url)
            probed = manners(options, names, url)
    except (wrk.Refused, PackageNotFoundError, RuntimeError, KeyboardInterrupt) as error:
        say(f"FAILED: {error!r}")
        return 1
    header = ["Server"]
    for timed in TIMED:
        header += [f"{timed} req/s", "p50 ms", "p99 ms", "CPU ms"]
    content = "\n\n".join(
        [
            report.table([*header, "MiB a worker"], [[name, *measured[name].cells()] for name in names]),
            report.table(["", *names], probed, text_columns=len(names) + 1),
            f"`python -m benchmarks.servers --users={options.users} --rounds={options.rounds}"
            f" --seconds={options.seconds} --connections={options.connections} --workers={options.workers}"
            f" --threads={options.threads}` on {datetime.now(UTC):%Y-%m-%d}: {report.machine()}, {versions},"
            f" {postgresql(options.postgres)}.",
        ]
    )
    print(content)
    right = not any(measured[name].refused for name in names)
    if right and options.write_readme:
        report.write("servers", content)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
