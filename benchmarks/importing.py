"""`python -m benchmarks.importing`: many users into PostgreSQL and out again (README.md, "Import and export")."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from benchmarks import report
from benchmarks.serving import ROOT
from benchmarks.sides import OURS, database, postgresql

USERS_PER_CLIENT = 1000
HASH = "$2a$12$" + "a" * 21 + "u" + "b" * 31  # of no password; its form is what counts
COPIED = {"accounts_user": "id > 1", "accounts_event": "action = 'user.created'"}
"""What the database alone is timed with: a row of each for each user."""


class Wrong(Exception):
    """What came of it is not what was asked for; the text says what."""


def arguments(given: list[str]) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.importing", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--postgres", default="postgres://postgres@127.0.0.1:5432", help="URL without a database")
    parser.add_argument("--write-readme", action="store_true", help="put the table into benchmarks/README.md")
    return parser.parse_args(given)


@dataclass(frozen=True, slots=True)
class Run:
    """What a command took: seconds by the clock, of the processor, and MiB at most."""

    seconds: float
    processor: float
    memory: float


def write(path: Path, users: int) -> None:
    """A file of that many users with hashes, in clients of `USERS_PER_CLIENT`."""
    with path.open("w") as file:
        file.write("name,email,client,password_hash,active,email_verified,external_id\n")
        for n in range(users):
            client = n // USERS_PER_CLIENT
            file.write(
                f"Person {n} Miller,person.{n}@client{client}.example,Client {client},{HASH},true,true,ext-{n}\n"
            )


def run(url: str, *command: str) -> Run:
    """Run a command of manage.py to its end; raises Wrong."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=os.environ | OURS.environment(url)
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Wrong(f"{command[0]} ended with {process.returncode}")
    return Run(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def check(url: str, users: int) -> None:
    """Raise Wrong unless they are all there, each with an event, and their clients."""
    with psycopg.connect(url) as connection:
        for expected, query in (
            (users, "SELECT count(*) FROM accounts_user WHERE id > 1 AND password LIKE 'bcrypt_rails$%'"),
            (users, "SELECT count(DISTINCT target_id) FROM accounts_event WHERE action = 'user.created'"),
            (-(-users // USERS_PER_CLIENT), "SELECT count(DISTINCT client_id) FROM accounts_user"),
        ):
            (found,) = connection.execute(query).fetchone() or (None,)
            if found != expected:
                raise Wrong(f"{query}: {found} and not {expected}")


def alone(url: str, folder: Path) -> float:
    """Seconds that the database takes for the same rows, indexes and checks, with nothing to do but COPY."""
    seconds = 0.0
    with psycopg.connect(url, autocommit=True) as connection:
        for table, condition in COPIED.items():
            path = folder / table
            with (
                path.open("wb") as file,
                connection.cursor().copy(
                    f"COPY (SELECT * FROM {table} WHERE {condition} ORDER BY id) TO STDOUT"  # noqa: S608
                ) as out,
            ):
                for block in out:
                    file.write(block)
            connection.execute(f"CREATE TABLE alone (LIKE {table} INCLUDING ALL)")
            started = time.perf_counter()
            with path.open("rb") as file, connection.cursor().copy("COPY alone FROM STDIN") as into:
                while block := file.read(1024 * 1024):
                    into.write(block)
            seconds += time.perf_counter() - started
            connection.execute("DROP TABLE alone")
            path.unlink()
    return seconds


def measure(options: argparse.Namespace) -> str:
    """The table. Raises Wrong."""
    with TemporaryDirectory() as name, database(options.postgres, OURS, 1, keep=False) as url:
        folder = Path(name)
        write(folder / "in.csv", options.users)
        done = run(url, "import_users", str(folder / "in.csv"), "--create-clients")
        check(url, options.users)
        out = run(url, "export_users", "--with-password-hashes", f"--output={folder / 'out.csv'}")
        floor = alone(url, folder)
    return tabled(options.users, {"`import_users`, CSV, ready hashes": done, "`export_users`, CSV": out}, floor)


def tabled(users: int, runs: dict[str, Run], floor: float) -> str:
    """Each run, and below them the database alone."""
    rows: list[Sequence[str]] = [
        [what, f"{users:,}", f"{users / one.seconds:,.0f}", f"{one.processor / users * 1e6:.0f}", f"{one.memory:.0f}"]
        for what, one in runs.items()
    ]
    rows.append(["PostgreSQL alone: COPY of the same users and events", f"{users:,}", f"{users / floor:,.0f}", "", ""])
    return report.table(["What", "Users", "users/s", "µs of Python a user", "MiB at most"], rows)


def main(given: list[str]) -> int:
    """The exit code."""
    options = arguments(given)
    try:
        table = measure(options)
    except (Wrong, subprocess.CalledProcessError, psycopg.Error, KeyboardInterrupt) as error:
        print(f"FAILED: {error!r}", file=sys.stderr)
        return 1
    content = (
        f"{table}\n\n`python -m benchmarks.importing --users={options.users}` on {datetime.now(UTC):%Y-%m-%d}:"
        f" {report.machine()}, {postgresql(options.postgres)}."
    )
    print(content)
    if options.write_readme:
        report.write("importing", content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
