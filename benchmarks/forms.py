"""`python -m benchmarks.forms`: a create by a form beside the native one, apart from hashing (README.md, "Forms")."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from statistics import median

from benchmarks import report, wrk
from benchmarks.console import end_by_signals, say
from benchmarks.load import ADMINISTRATOR_ID, PASSWORD, email_of
from benchmarks.processes import processor_seconds
from benchmarks.serving import ROOT, SERVERS, Running, running
from benchmarks.sides import CHEAP_HASH, LOGS, OPERATIONS, OURS, Operation, database, postgresql

WARM_UP_SECONDS = 2

CREATES: Mapping[str, Operation] = {
    "native": OPERATIONS["create"],
    "forms": Operation(
        "POST",
        "/api/users",
        status=201,
        body={
            "form_configuration_name": "reference_rest_api_create_user",
            "form": {"first_name": "New Person {n}", "email": "form{n}@example.com", "password": PASSWORD},
        },
    ),
}
SCHEMES = {"native": "Bearer ", "forms": "Token token="}
"""How each contract has the one API token that both calls are made with."""


def arguments(given: list[str]) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forms", description=__doc__)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--postgres", default="postgres://postgres@127.0.0.1:5432", help="URL without a database")
    parser.add_argument("--minutes", type=float, default=5, help="the whole run is given up after them")
    parser.add_argument("--write-readme", action="store_true", help="put the table into benchmarks/README.md")
    return parser.parse_args(given)


def token(url: str) -> str:
    """An API token of the administrator's."""
    command = [sys.executable, "manage.py", "create_token", f"--user={email_of(ADMINISTRATOR_ID)}"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | OURS.environment(url), check=True, capture_output=True, text=True
    )
    return done.stdout.split()[-1]


@dataclass(slots=True)
class Measured:
    """Of one contract, over rounds. costs: milliseconds of processor time a request, of all the server's processes."""

    figures: list[wrk.Figure] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)


def measure(options: argparse.Namespace, server: Running, text: str) -> dict[str, Measured]:
    """Time both, in turns, after a round that warms up. Raises Refused."""
    numbers = count(1)
    found = {name: Measured() for name in CREATES}
    for turn in range(-1, options.rounds):
        seconds = WARM_UP_SECONDS if turn < 0 else options.seconds
        for name in reversed(list(CREATES)) if turn % 2 else CREATES:
            before = processor_seconds(server.process.pid)
            figure = wrk.run(
                request(name, text),
                origin=server.origin,
                connections=options.connections,
                seconds=seconds,
                number=next(numbers),
            )
            spent = processor_seconds(server.process.pid) - before
            say(f"{name}: {report.rate(figure)} a second")
            if turn >= 0:
                found[name].figures.append(figure)
                found[name].costs.append(spent * 1000 / (figure.per_second * seconds))
    return found


def request(name: str, text: str) -> wrk.Request:
    """What wrk sends to one of the contracts, by that token."""
    create = CREATES[name]
    return wrk.Request(
        create.method, create.path, create.status, body=json.dumps(create.body), token=text, scheme=SCHEMES[name]
    )


def compared(found: Mapping[str, Measured]) -> str:
    """The table: of each contract the medians, and what its create costs by the native one."""
    native = median(found["native"].costs)
    rows = []
    for name, measured in found.items():
        middle, cost = report.middle(measured.figures), median(measured.costs)
        times = [report.milliseconds(value) for value in (middle.p50, middle.p99)]
        rows.append([f"{name}, `POST {CREATES[name].path}`", report.rate(middle), *times, f"{cost:.2f}"])
        rows[-1].append(f"{cost / native:.2f}")
    return report.table(["Create", "req/s", "p50 ms", "p99 ms", "CPU ms", "by native"], rows)


def main(given: list[str]) -> int:
    """Run, and give the exit code."""
    options = arguments(given)
    end_by_signals(options.minutes)
    try:
        wrk.require()
        with (
            database(options.postgres, OURS, options.users, keep=False) as url,
            running(
                SERVERS["make-serve"],
                OURS.application,
                environment=OURS.environment(url) | CHEAP_HASH,
                log=LOGS / "benchmark-forms.log",
                workers=options.workers,
                threads=options.threads,
            ) as server,
        ):
            table = compared(measure(options, server, token(url)))
    except (wrk.Refused, RuntimeError, subprocess.CalledProcessError, KeyboardInterrupt) as error:
        say(f"FAILED: {error!r}")
        return 1
    content = (
        f"{table}\n\n`python -m benchmarks.forms --users={options.users} --rounds={options.rounds}"
        f" --seconds={options.seconds} --connections={options.connections} --workers={options.workers}"
        f" --threads={options.threads}` on {datetime.now(UTC):%Y-%m-%d}: {report.machine()},"
        f" {postgresql(options.postgres)}. Medians of {options.rounds} rounds of {options.seconds} s."
    )
    print(content)
    if options.write_readme:
        report.write("forms", content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
