"""`python -m benchmarks.importing`: many users into PostgreSQL and out again (README.md, "Import and export")."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psycopg
from argon2 import PasswordHasher, Type

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
    parser.add_argument(
        "--users", type=int, default=1_000_000, help="with ready hashes, in all rounds together, of each kind"
    )
    parser.add_argument("--passwords", type=int, default=500, help="users with passwords in clear, a round")
    parser.add_argument("--rounds", type=int, default=5, help="in each the import first, then PostgreSQL alone")
    parser.add_argument("--postgres", default="postgres://postgres@127.0.0.1:5432", help="URL without a database")
    parser.add_argument("--write-readme", action="store_true", help="put the table into benchmarks/README.md")
    return parser.parse_args(given)


@dataclass(frozen=True, slots=True)
class Run:
    """What a command took: seconds by the clock, of the processor (all its processes), and MiB of the largest one."""

    seconds: float
    processor: float
    memory: float


@dataclass(slots=True)
class Lines:
    """What was measured, a run of each round. beside: seconds of what it is compared with, in the same round."""

    users: int
    runs: list[Run] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)


def write(path: Path, users: int, *, first: int = 0, behind: int = 0, password: bool = False) -> set[int]:
    """A file of that many users in clients of `USERS_PER_CLIENT`, with hashes or passwords; gives the clients' numbers.

    first: the users' numbers. behind: whose clients they are in, by how many users before them; 0: in their own.
    """
    clients = set()
    with path.open("w") as file:
        secret = "password" if password else "password_hash"
        file.write(f"name,email,client,{secret},active,email_verified,external_id\n")
        for n in range(first, first + users):
            client = (n - behind) // USERS_PER_CLIENT
            clients.add(client)
            said = f"long enough {n} to keep" if password else HASH
            file.write(
                f"Person {n} Miller,person.{n}@client{client}.example,Client {client},{said},true,true,ext-{n}\n"
            )
    return clients


def run(url: str, *command: str) -> Run:
    """Run a command of manage.py to its end, with its modules compiled, as they are from the second time on wherever
    Python may write; raises Wrong."""
    environment = os.environ | OURS.environment(url) | {"PYTHONDONTWRITEBYTECODE": ""}
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "manage.py", *command], cwd=ROOT, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Wrong(f"{command[0]} ended with {process.returncode}")
    return Run(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def check(url: str, users: int, passwords: int, clients: int) -> None:
    """Raise Wrong unless they are all there, each with an event, and that many clients."""
    everybody = users + passwords
    with psycopg.connect(url) as connection:
        for expected, query in (
            (users, "SELECT count(*) FROM accounts_user WHERE id > 1 AND password LIKE 'bcrypt_rails$%'"),
            (passwords, "SELECT count(*) FROM accounts_user WHERE id > 1 AND password LIKE 'argon2$%'"),
            (everybody, "SELECT count(DISTINCT target_id) FROM accounts_event WHERE action = 'user.created'"),
            (clients, "SELECT count(DISTINCT client_id) FROM accounts_user"),
        ):
            (found,) = connection.execute(query).fetchone() or (None,)
            if found != expected:
                raise Wrong(f"{query}: {found} and not {expected}")


class Alone:
    """The database with nothing to do but COPY: into tables with the same indexes and checks, which grow alike."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._path = folder / "rows"
        self._last = dict.fromkeys(COPIED, 0)
        with psycopg.connect(url, autocommit=True) as connection:
            for table in COPIED:
                connection.execute(f"CREATE TABLE alone_{table} (LIKE {table} INCLUDING ALL)")

    def take(self) -> float:
        """The seconds that it takes for the rows that are new since the last time."""
        return sum(self._take(table, condition) for table, condition in COPIED.items())

    def _take(self, table: str, condition: str) -> float:
        new = f"FROM {table} WHERE {condition} AND id > {self._last[table]}"
        with psycopg.connect(self._url, autocommit=True) as connection:
            with (
                self._path.open("wb") as file,
                connection.cursor().copy(f"COPY (SELECT * {new} ORDER BY id) TO STDOUT") as out,
            ):
                for block in out:
                    file.write(block)
            (self._last[table],) = connection.execute(f"SELECT max(id) {new}").fetchone() or (0,)
            started = time.perf_counter()
            with self._path.open("rb") as file, connection.cursor().copy(f"COPY alone_{table} FROM STDIN") as into:
                while block := file.read(1024 * 1024):
                    into.write(block)
            return time.perf_counter() - started


def hashing_alone(passwords: int) -> float:
    """The seconds that a bare loop of the hasher takes on all cores, for as many passwords at the same costs."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1, type=Type.ID)
    started = time.perf_counter()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(hasher.hash, [f"long enough {n} to keep" for n in range(passwords)]))
    return time.perf_counter() - started


def measure(options: argparse.Namespace) -> str:
    """The table. Raises Wrong."""
    users = options.users // options.rounds
    ready, known, clear = Lines(users), Lines(users), Lines(options.passwords)
    clients: set[int] = set()
    with TemporaryDirectory() as name, database(options.postgres, OURS, 1, keep=False) as url:
        folder = Path(name)
        alone, path, first = Alone(url, folder), folder / "in.csv", 0
        nobody, starts = folder / "nobody.csv", list[float]()
        write(nobody, 0)
        run(url, "import_users", str(nobody))  # compiles
        for _ in range(options.rounds):
            starts.append(run(url, "import_users", str(nobody)).seconds)
            for lines in (ready, known, clear):
                password = lines is clear
                behind = users if lines is known else 0
                clients |= write(path, lines.users, first=first, behind=behind, password=password)
                first += lines.users
                lines.runs.append(run(url, "import_users", str(path), "--create-clients"))
                lines.beside.append(hashing_alone(lines.users) if password else alone.take())
                if password:
                    alone.take()
        check(url, 2 * users * options.rounds, options.passwords * options.rounds, len(clients))
        out = Lines(first, [run(url, "export_users", "--with-password-hashes", f"--output={folder / 'out.csv'}")])
    table = tabled(
        {
            "`import_users`, CSV, ready hashes, clients made on the way": (ready, "PostgreSQL alone"),
            "`import_users`, CSV, ready hashes, into clients that are there": (known, "PostgreSQL alone"),
            "`import_users`, CSV, passwords in clear": (clear, "the hasher alone"),
            "`export_users`, CSV": (out, ""),
        }
    )
    return f"{table}\n\nOf each the start of the command is a part: {median(starts):.1f} s with a file of nobody."


def tabled(measured: dict[str, tuple[Lines, str]]) -> str:
    """Each with the medians of its rounds; the ratio is the median of those of the rounds."""
    rows: list[Sequence[str]] = []
    for what, (lines, name) in measured.items():
        seconds = [one.seconds for one in lines.runs]
        rows.append(
            [
                what,
                f"{lines.users:,}",
                f"{lines.users / median(seconds):,.0f}",
                f"{name}: {lines.users / median(lines.beside):,.0f}" if lines.beside else "",
                f"{median(map(lambda floor, took: floor / took, lines.beside, seconds)):.2f}" if lines.beside else "",
                f"{median(one.processor / lines.users * 1e6 for one in lines.runs):,.0f}",
                f"{median(one.processor / one.seconds for one in lines.runs):.1f}",
                f"{max(one.memory for one in lines.runs):.0f}",
            ]
        )
    header = ["What", "Users a round", "users/s", "beside", "ratio", "µs of Python a user", "cores", "MiB a process"]
    return report.table(header, rows)


def main(given: list[str]) -> int:
    """The exit code."""
    options = arguments(given)
    try:
        table = measure(options)
    except (Wrong, subprocess.CalledProcessError, psycopg.Error, KeyboardInterrupt) as error:
        print(f"FAILED: {error!r}", file=sys.stderr)
        return 1
    content = (
        f"{table}\n\n`python -m benchmarks.importing --users={options.users} --passwords={options.passwords}"
        f" --rounds={options.rounds}` on {datetime.now(UTC):%Y-%m-%d}: {report.machine()},"
        f" {postgresql(options.postgres)}. Medians of the rounds."
    )
    print(content)
    if options.write_readme:
        report.write("importing", content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
