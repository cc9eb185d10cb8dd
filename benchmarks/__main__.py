"""`python -m benchmarks`: times the directory beside its stock peer, and prints the table of README.md."""

import argparse
import contextlib
import itertools
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from types import FrameType

from benchmarks import report, wrk
from benchmarks.console import say
from benchmarks.serving import SERVERS, Running
from benchmarks.sides import OPERATIONS, OURS, SIDES, STOCK, Side, Unequal, compare, database, postgresql

WARM_UP_SECONDS = 2
DEFAULT_SERVER = "make-serve"
SMOKE = ["--users=50", "--rounds=1", "--seconds=1", "--minutes=3"]


class TimeIsUp(Exception):
    """The run took longer than it was given."""


def arguments(given: list[str]) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--users", type=_numbers, default=[1_000, 1_000_000], metavar="N[,N]", help="sizes")
    parser.add_argument(
        "--operations", type=_operations, default=list(OPERATIONS), metavar="NAME[,NAME]", help=", ".join(OPERATIONS)
    )
    parser.add_argument("--rounds", type=_count, default=3, help="the table shows their medians")
    parser.add_argument("--seconds", type=_count, default=6, help="of each run, one side and one operation")
    parser.add_argument("--connections", type=_count, default=16)
    parser.add_argument("--workers", type=_count, default=2, help="processes of each server")
    parser.add_argument("--threads", type=_count, default=4, help="of each worker process, where the server has them")
    parser.add_argument("--server", choices=SERVERS, default=DEFAULT_SERVER)
    parser.add_argument("--postgres", default="postgres://postgres@127.0.0.1:5432", help="URL without a database")
    parser.add_argument("--minutes", type=float, default=20, help="the whole run is given up after them")
    parser.add_argument("--keep", action="store_true", help="keep the databases, to look into them")
    parser.add_argument("--write-readme", action="store_true", help="put the table into benchmarks/README.md")
    parser.add_argument("--smoke", action="store_true", help=f"whether the frame works: {' '.join(SMOKE)}")
    read = parser.parse_args(given)
    return parser.parse_args([*SMOKE, *given]) if read.smoke else read


def _count(text: str) -> int:
    if int(text) < 1:
        raise ValueError("at least 1")
    return int(text)


def _numbers(text: str) -> list[int]:
    numbers = [int(part.replace("_", "")) for part in text.split(",")]
    if min(numbers) < 10:
        raise ValueError("at least 10 users")
    return numbers


def _operations(text: str) -> list[str]:
    names = text.split(",")
    if not set(names) <= OPERATIONS.keys():
        raise ValueError("unknown operation")
    return names


@dataclass(frozen=True, slots=True)
class Contest:
    """Both sides, serving as many users."""

    options: argparse.Namespace
    users: int
    served: Mapping[str, Running]  # by the name of the side
    numbers: Iterator[int]  # of the runs: what is new in a request is made with them

    def row(self, name: str) -> report.Row:
        """Time one operation. Who goes first alternates by round; a refused run leaves its side without a figure."""
        figures: dict[str, list[wrk.Figure]] = {side.name: [] for side in SIDES}
        missing: set[str] = set()
        try:
            compare(name, self.users, {side: running.port for side, running in self.served.items()})
            for side in SIDES:
                self._run(name, side, min(self.options.seconds, WARM_UP_SECONDS))
        except (wrk.Refused, Unequal) as error:
            say(f"FAILED {name}, {self.users:,} users: {error}")
            return report.Row(name, self.users, None, None)
        for turn in range(self.options.rounds):
            for side in reversed(SIDES) if turn % 2 else SIDES:
                try:
                    figures[side.name].append(self._run(name, side, self.options.seconds))
                except (wrk.Refused, Unequal) as error:
                    say(f"FAILED {name}, {self.users:,} users, {side.name}: {error}")
                    missing.add(side.name)
        ours, stock = (None if side.name in missing else report.middle(figures[side.name]) for side in (OURS, STOCK))
        return report.Row(name, self.users, ours, stock)

    def _run(self, name: str, side: Side, seconds: int) -> wrk.Figure:
        running = self.served[side.name]
        return wrk.run(
            side.request(OPERATIONS[name], running.port, self.users),
            origin=running.origin,
            connections=self.options.connections,
            seconds=seconds,
            number=next(self.numbers),
        )


def measure(options: argparse.Namespace, users: int) -> Iterator[report.Row]:
    """Load both sides, serve both, and time one operation after the other: a row each."""
    with contextlib.ExitStack() as stack:
        served = {}
        for side in SIDES:
            started = time.monotonic()
            url = stack.enter_context(database(options.postgres, side, users, keep=options.keep))
            say(f"{side.name}: {users:,} users loaded in {time.monotonic() - started:.0f} s")
            served[side.name] = stack.enter_context(
                side.serving(SERVERS[options.server], url, workers=options.workers, threads=options.threads)
            )
        contest = Contest(options, users, served, itertools.count(1))
        for name in options.operations:
            row = contest.row(name)
            say(report.comparison([row]).splitlines()[-1])
            yield row


def legend(options: argparse.Namespace) -> str:
    """What the table was made with and on."""
    package = SERVERS[options.server].package
    told = {"users": ",".join(map(str, options.users))}
    told |= {
        name: getattr(options, name) for name in ("rounds", "seconds", "connections", "workers", "threads", "server")
    }
    command = " ".join(["python -m benchmarks", *(f"--{name}={value}" for name, value in told.items())])
    return (
        f"`{command}` on {datetime.now(UTC):%Y-%m-%d}: {report.machine()}, Django {version('django')},"
        f" DRF {version('djangorestframework')}, {package} {version(package)}, {postgresql(options.postgres)},"
        f" wrk on the same machine. Medians of {options.rounds} rounds of {options.seconds} s."
    )


def _give_up(number: int, frame: FrameType | None) -> None:
    raise TimeIsUp("the time is up; see --minutes") if number == signal.SIGALRM else KeyboardInterrupt


def main(given: list[str]) -> int:
    """Run, and give the exit code: 0 only if every answer of every run was the right one."""
    options = arguments(given)
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, _give_up)
    signal.setitimer(signal.ITIMER_REAL, options.minutes * 60)
    try:
        wrk.require()
        rows = [row for users in options.users for row in measure(options, users)]
    except (wrk.Refused, TimeIsUp, RuntimeError) as error:
        say(f"FAILED: {error}")
        return 1
    except KeyboardInterrupt:
        say("FAILED: interrupted")
        return 130
    table = report.comparison(rows)
    print(f"{table}\n\n{legend(options)}")
    if any(report.ratio(row) is None for row in rows):
        say("FAILED: there is no figure where an answer was wrong.")
        return 1
    if options.write_readme:
        report.write("operations", f"{table}\n\n{legend(options)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
