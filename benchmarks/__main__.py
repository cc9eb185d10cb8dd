"""`python -m benchmarks`: times the directory beside its references, and prints the tables of README.md."""

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from types import FrameType

from benchmarks import growth, report, soak, wrk
from benchmarks.console import say
from benchmarks.contest import Contest, Contestant, numbered
from benchmarks.serving import SERVERS
from benchmarks.sides import OPERATIONS, OURS, PEERS, Side, Unequal, compare, database, installed, postgresql

DEFAULT_SERVER = "make-serve"
SMOKE = ["--users=50", "--rounds=1", "--seconds=2", "--connections=4", "--minutes=5"]
SIZES = [1_000, 1_000_000]
GROWTH_SIZES = [1_000, 100_000, 1_000_000, 10_000_000]


class TimeIsUp(Exception):
    """The run took longer than it was given."""


def arguments(given: list[str]) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--growth", action="store_true", help="the directory alone, at several sizes side by side")
    kind.add_argument("--soak", type=_count, metavar="REQUESTS", help="the memory of a worker over so many requests")
    parser.add_argument("--users", type=_numbers, metavar="N[,N]", help="sizes")
    parser.add_argument(
        "--operations", type=_operations, default=list(OPERATIONS), metavar="NAME[,NAME]", help=", ".join(OPERATIONS)
    )
    parser.add_argument("--peers", type=_peers, default=list(PEERS), metavar="NAME[,NAME]", help=", ".join(PEERS))
    parser.add_argument("--rounds", type=_count, default=3, help="the table shows their medians")
    parser.add_argument("--seconds", type=_count, default=4, help="of each run, one side and one operation")
    parser.add_argument("--connections", type=_count, default=16)
    parser.add_argument("--workers", type=_count, default=2, help="processes of each server")
    parser.add_argument("--threads", type=_count, default=4, help="of each worker process, where the server has them")
    parser.add_argument("--server", choices=SERVERS, default=DEFAULT_SERVER, help="the directory's")
    parser.add_argument("--postgres", default="postgres://postgres@127.0.0.1:5432", help="URL without a database")
    parser.add_argument("--minutes", type=float, default=60, help="the whole run is given up after them")
    parser.add_argument("--keep", action="store_true", help="keep the loaded rows, so that the next run need not load")
    parser.add_argument("--write-readme", action="store_true", help="put the table into benchmarks/README.md")
    parser.add_argument("--smoke", action="store_true", help=f"whether the frame works: {' '.join(SMOKE)}")
    read = parser.parse_args(given)
    if read.smoke:
        read = parser.parse_args([*SMOKE, *given])
    if read.users is None:
        read.users = GROWTH_SIZES if read.growth else SIZES
    return read


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


def _peers(text: str) -> list[str]:
    names = text.split(",") if text else []
    if not set(names) <= PEERS.keys():
        raise ValueError("unknown peer")
    return names


def measure(options: argparse.Namespace, users: int) -> Iterator[report.Row]:
    """Load all sides, serve all, and time one operation after the other: a row each."""
    sides = [OURS, *installed(options.peers)]
    with contextlib.ExitStack() as stack:
        urls: dict[str, str] = {}
        contestants = []
        for side in sides:
            if side.rows not in urls:
                started = time.monotonic()
                urls[side.rows] = stack.enter_context(database(options.postgres, side, users, keep=options.keep))
                say(f"{side.rows}: {users:,} users loaded in {time.monotonic() - started:.0f} s")
            running = stack.enter_context(
                side.serving(SERVERS[options.server], urls[side.rows], workers=options.workers, threads=options.threads)
            )
            contestants.append(Contestant(side.name, side, running, users))
        numbers = numbered()
        for name in options.operations:
            offering = [contestant for contestant in contestants if name in contestant.side.operations]
            row = report.Row(name, users, _figures(name, Contest(options, offering, numbers)))
            say(report.comparison([row], options.peers).splitlines()[-1])
            yield row


def _figures(name: str, contest: Contest) -> "dict[str, wrk.Figure | None]":
    """What each made of an operation; of nobody a figure where they do not show the same."""
    ports: dict[Side, int] = {each.side: each.running.port for each in contest.contestants}
    try:
        compare(name, contest.contestants[0].users, ports)
    except Unequal as error:
        say(f"FAILED {name}: {error}")
        return {each.label: None for each in contest.contestants}
    return dict(contest.figures(name))


def compared(options: argparse.Namespace) -> tuple[str, bool]:
    """The table of operations beside the references; and whether every answer was right."""
    rows = [row for users in options.users for row in measure(options, users)]
    return report.comparison(rows, options.peers), all(figure for row in rows for figure in row.figures.values())


def grown(options: argparse.Namespace) -> tuple[str, bool]:
    """The table of operations by size; and whether every answer was right."""
    rows = growth.measure(options)
    return report.growth(rows), all(figure for figures in rows.values() for figure in figures.values())


def soaked(options: argparse.Namespace) -> tuple[str, bool]:
    """The table of memory; and whether it is flat."""
    points = soak.measure(options)
    return soak.table(points), soak.grown(points) <= soak.TOLERANCE


def legend(options: argparse.Namespace, shown: Sequence[str], packages: Sequence[str]) -> str:
    """What a table was made with and on. shown: the options to name; packages: those whose versions matter."""
    kind = ["--growth"] if options.growth else [f"--soak={options.soak}"] if options.soak else []
    told = {"users": ",".join(map(str, options.users))} | {name: getattr(options, name) for name in shown}
    if set(options.operations) != set(OPERATIONS):
        told["operations"] = f'"{",".join(options.operations)}"'
    command = " ".join(["python -m benchmarks", *kind, *(f"--{name}={value}" for name, value in told.items())])
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    return (
        f"`{command}` on {datetime.now(UTC):%Y-%m-%d}: {report.machine()}, {versions},"
        f" {postgresql(options.postgres)}, wrk on the same machine."
    )


def _give_up(number: int, frame: FrameType | None) -> None:
    raise TimeIsUp("the time is up; see --minutes") if number == signal.SIGALRM else KeyboardInterrupt


def main(given: list[str]) -> int:
    """Run, and give the exit code: 0 only if every answer of every run was the right one."""
    options = arguments(given)
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, _give_up)
    signal.setitimer(signal.ITIMER_REAL, options.minutes * 60)
    name, made = (
        ("growth", grown) if options.growth else ("memory", soaked) if options.soak else ("operations", compared)
    )
    shown = [*([] if options.soak else ["rounds", "seconds"]), "connections", "workers", "threads", "server"]
    packages = ["Django", "djangorestframework", SERVERS[options.server].package]
    try:
        wrk.require()
        if name == "operations":
            packages += [side.needs for side in installed(options.peers) if side.needs]
        table, right = made(options)
    except (wrk.Refused, Unequal, TimeIsUp, RuntimeError) as error:
        say(f"FAILED: {error}")
        return 1
    except KeyboardInterrupt:
        say("FAILED: interrupted")
        return 130
    medians = "" if options.soak else f" Medians of {options.rounds} rounds of {options.seconds} s."
    content = f"{table}\n\n{legend(options, shown, packages)}{medians}"
    print(content)
    if not right:
        say("FAILED: an answer was wrong, or memory grew; see above.")
        return 1
    if options.write_readme:
        report.write(name, content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
