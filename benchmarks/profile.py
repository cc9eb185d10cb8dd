"""`python -m benchmarks.profile`: what the processor does for a request, by share (README.md, "Profile")."""

import argparse
import dataclasses
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from benchmarks import report, wrk
from benchmarks.console import end_by_signals, say
from benchmarks.inside import DATABASE, REST, SHARES
from benchmarks.processes import processor_seconds
from benchmarks.serving import ROOT, SERVERS, Running
from benchmarks.sides import CHEAP, LOGS, OPERATIONS, Unequal, database, postgresql

PROFILED = ("current", "get", "list", "search e-mail", "search name", "sign in", "update", "create")
WARM_UP_SECONDS = 2
SERVED_SECONDS = 4


def arguments(given: list[str]) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--operations", default=",".join(PROFILED), help="comma-separated")
    parser.add_argument("--seconds", type=int, default=6, help="of each operation in the process")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--postgres", default="postgres://postgres@127.0.0.1:5432", help="URL without a database")
    parser.add_argument("--minutes", type=float, default=10, help="the whole run is given up after them")
    parser.add_argument("--keep", action="store_true", help="keep the loaded rows, so that the next run need not load")
    parser.add_argument("--write-readme", action="store_true", help="put the table into benchmarks/README.md")
    return parser.parse_args(given)


def served(request: wrk.Request, running: Running, options: argparse.Namespace, numbers: Iterator[int]) -> float:
    """Nanoseconds of processor time of a request, of all processes of the server. Raises Refused."""
    for seconds in (WARM_UP_SECONDS, SERVED_SECONDS):
        before = processor_seconds(running.process.pid)
        figure = wrk.run(
            request,
            origin=running.origin,
            connections=options.connections,
            seconds=seconds,
            number=next(numbers),
        )
    return (processor_seconds(running.process.pid) - before) * 1e9 / figure.requests


def inside(requests: Mapping[str, wrk.Request], url: str, seconds: int) -> dict[str, Any]:
    """What a process of its own measures of them. Raises RuntimeError, with what it said."""
    with (LOGS / "benchmark-inside.log").open("w+") as log:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.inside", str(seconds)],
            cwd=ROOT,
            env=os.environ | CHEAP.environment(url),
            input=json.dumps({name: dataclasses.asdict(request) for name, request in requests.items()}),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            check=False,
        )
        if done.returncode:
            log.seek(0)
            raise RuntimeError(f"benchmarks.inside failed:\n{log.read()[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(found: Mapping[str, Any], served_by: Mapping[str, float]) -> str:
    """A column an operation, a row a share; microseconds."""
    rows = [["server", *(f"{(served_by[name] - one['plain']) / 1000:,.0f}" for name, one in found.items())]]
    for share in (REST, *SHARES):
        rows.append([share, *(f"{one['shares'].get(share, 0) / 1000:,.0f}" for one in found.values())])
    timers = [sum(one["shares"].values()) - one["plain"] for one in found.values()]
    rows.append(["the timers themselves, to be taken off", *(f"{-value / 1000:,.0f}" for value in timers)])
    rows.append(["**in all**", *(f"**{served_by[name] / 1000:,.0f}**" for name in found)])
    rows.append([f"{DATABASE}: waiting besides", *(f"{one['waited'] / 1000:,.0f}" for one in found.values())])
    return report.table(["µs of the processor", *found], rows)


def main(given: list[str]) -> int:
    """Run, and give the exit code."""
    options = arguments(given)
    end_by_signals(options.minutes)
    numbers = itertools.count(1)
    try:
        wrk.require()
        with (
            database(options.postgres, CHEAP, options.users, keep=options.keep) as url,
            CHEAP.serving(SERVERS["make-serve"], url, workers=options.workers, threads=options.threads) as running,
        ):
            requests, served_by = {}, {}
            for name in options.operations.split(","):
                requests[name] = CHEAP.request(OPERATIONS[name], running.port, options.users)
                served_by[name] = served(requests[name], running, options, numbers)
                say(f"{name}: {served_by[name] / 1000:,.0f} µs of the processor")
            found = inside(requests, url, options.seconds)
    except (wrk.Refused, Unequal, RuntimeError, KeyboardInterrupt) as error:
        say(f"FAILED: {error!r}")
        return 1
    content = (
        f"{table(found, served_by)}\n\n`python -m benchmarks.profile --users={options.users}"
        f" --seconds={options.seconds} --connections={options.connections} --workers={options.workers}"
        f" --threads={options.threads}` on {datetime.now(UTC):%Y-%m-%d}: {report.machine()},"
        f" {postgresql(options.postgres)}."
    )
    print(content)
    if options.write_readme:
        report.write("profile", content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
