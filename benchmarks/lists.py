"""`python -m benchmarks.lists`: what pages of users cost, of a small and of a large directory (README.md, "Lists")."""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

import psycopg

from benchmarks import report
from benchmarks.load import ADMINISTRATOR_ID, PASSWORD, email_of
from benchmarks.serving import HOST, ROOT
from benchmarks.sides import OURS, database, postgresql

LISTS: Mapping[str, str] = {
    "page 1": "/users",
    "page 1, by name": "/users?ordering=-name",
    "page 1, by last sign-in": "/users?ordering=-last_sign_in",
    "next page by cursor, by name": "/users?ordering=name&cursor={cursor}",
    "of a client, by name": "/users?client_id=1&ordering=name",
    "inactive, by name": "/users?active=false&ordering=name",
    "the 500 made last": "/users?created_after={recent}",
    "by e-mail": "/users?email=user{last}@example.com",
    "search: an e-mail": "/users?search=user{last}@example.com",
    "search: the same by cursor": "/users?search=user{last}@example.com&cursor=",
    "search: a name that a twelfth has": "/users?search=grace",
    "search: the same by cursor, by name": "/users?search=grace&cursor=&ordering=name",
    "search: what everybody has": "/users?search=example.com",
    "search: two letters": "/users?search=zq",
    "page in the middle": "/users?page={middle}",
    "page in the middle, -id": "/users?page={middle}&ordering=-id",
    "page in the middle, by name": "/users?page={middle}&ordering=name",
    "last page, by name": "/users?page={pages}&ordering=name",
    "resource: page in the middle": "/v1/users?_page={middle}&_perPage=25",
    "resource: the same by last name": "/v1/users?_page={middle}&_perPage=25&_sort=lastName",
    "Rocket.Chat: page 1": "/api/v1/users.list?count=25",
    "Rocket.Chat: in the middle": "/api/v1/users.list?count=25&offset={offset}",
}
# As many as every directory has: some are inactive, some have signed in.
_VARIED = """
    UPDATE accounts_user SET is_active = id % 20 <> 7, last_login = CASE WHEN id % 10 = 3 THEN created_at END
    WHERE id > 1 AND (id % 20 = 7 OR id % 10 = 3)
"""


def arguments(given: list[str]) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists", description=__doc__)
    parser.add_argument("--users", default="1000,1000000", type=lambda text: [int(size) for size in text.split(",")])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--calls", type=int, default=40, help="of a list in a round, at most; about half a second of it"
    )
    parser.add_argument("--postgres", default="postgres://postgres@127.0.0.1:5432", help="URL without a database")
    parser.add_argument("--write-readme", action="store_true", help="put the table into benchmarks/README.md")
    return parser.parse_args(given)


def vary(url: str) -> None:
    """Make some users inactive, and some have signed in."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_VARIED)
        connection.execute("VACUUM (ANALYZE)")


class Directory:
    """A process that asks itself for lists, without a server, on one database."""

    def __init__(self, url: str) -> None:
        # One process for each query, so that all that it costs is seen.
        environment = OURS.environment(url) | {
            "PGOPTIONS": "-c max_parallel_workers_per_gather=0",
            "LOG_LEVEL": "ERROR",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.lists", "ask"],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, name: str, calls: int) -> tuple[float, float]:
        """Ms of the processor that a call takes here, and in PostgreSQL."""
        print(json.dumps([name, calls]), file=self._process.stdin, flush=True)
        here, there = json.loads(self._process.stdout.readline())  # type: ignore[union-attr]  # there is a pipe
        return here, there

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


@contextlib.contextmanager
def directories(options: argparse.Namespace) -> Iterator[dict[int, Directory]]:
    """One of each size."""
    with contextlib.ExitStack() as stack:
        found = {}
        for users in options.users:
            url = stack.enter_context(database(options.postgres, OURS, users, keep=False))
            vary(url)
            found[users] = Directory(url)
            stack.callback(found[users].close)
        yield found


def measured(found: Mapping[int, Directory], rounds: int, calls: int) -> str:
    """The table: medians of rounds in which the sizes take turns."""
    rows = []
    for name in LISTS:
        costs: dict[int, list[tuple[float, float]]] = {users: [] for users in found}
        for turn in range(rounds + 1):
            for users, directory in found.items():
                cost = directory.ask(name, calls)
                if turn:  # the first one warms
                    costs[users].append(cost)
        here = [median(cost[0] for cost in costs[users]) for users in found]
        there = [median(cost[1] for cost in costs[users]) for users in found]
        rows.append(
            [
                name,
                *(f"{python:.1f} + {postgres:.1f}" for python, postgres in zip(here, there, strict=True)),
                f"{(here[-1] + there[-1]) / (here[0] + there[0]):.2f}",
            ]
        )
    return report.table(["List", *(f"{users:,}" for users in found), "times"], rows)


def answer() -> None:
    """In the process of a `Directory`: read names of lists and how many calls, write what they cost."""
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client

    browser = Client(HTTP_HOST=HOST)
    login = {"email": email_of(ADMINISTRATOR_ID), "password": PASSWORD}

    def told(path: str, body: Any = None, **headers: Any) -> Any:
        found = browser.get(path, **headers) if body is None else browser.post(path, body, "application/json")
        if found.status_code != 200:
            raise RuntimeError(f"{path}: {found.status_code} {found.content[:300]!r}")
        return found

    bearer = f"Bearer {told('/auth/token', login).json()['access']}"
    rocket = told("/api/v1/login", login).json()["data"]
    headers = {"HTTP_X_USER_ID": rocket["userId"], "HTTP_X_AUTH_TOKEN": rocket["authToken"]}
    model: Any = get_user_model()
    users = model.objects.count()
    after = model.objects.order_by("-id").values_list("created_at", flat=True)[500]
    cursor = told("/users?ordering=name&cursor=", HTTP_AUTHORIZATION=bearer).json()["meta"]["cursor"]["next"]
    values = {
        "cursor": quote(cursor or ""),
        "recent": quote(after.isoformat()),
        "last": users,
        "middle": users // 50,
        "pages": users // 25 - 10,
        "offset": users // 2,
    }
    backend = connection.connection.info.backend_pid
    for line in sys.stdin:
        name, calls = json.loads(line)
        path = LISTS[name].format(**values)
        sent = headers if path.startswith("/api/") else {"HTTP_AUTHORIZATION": bearer}
        # The kernel counts PostgreSQL's time in hundredths of a second: so many calls, and less of slow ones.
        python, postgres, start = time.process_time(), _processor(backend), time.perf_counter()
        done = 0
        while done < calls and (done < 3 or time.perf_counter() - start < 0.5):
            told(path, **sent)
            done += 1
        costs = (time.process_time() - python, _processor(backend) - postgres)
        print(json.dumps([cost / done * 1000 for cost in costs]), flush=True)


def _processor(pid: int) -> float:
    """Seconds of the processor that a process has used (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(given: list[str]) -> int:
    """The exit code."""
    if given == ["ask"]:
        answer()
        return 0
    options = arguments(given)
    try:
        with directories(options) as found:
            table = measured(found, options.rounds, options.calls)
    except (ValueError, OSError, subprocess.CalledProcessError, psycopg.Error, KeyboardInterrupt) as error:
        print(f"FAILED: {error!r}", file=sys.stderr)
        return 1
    sizes = ",".join(map(str, options.users))
    content = (
        f"{table}\n\n`python -m benchmarks.lists --users={sizes} --rounds={options.rounds} --calls={options.calls}` on"
        f" {datetime.now(UTC):%Y-%m-%d}: {report.machine()}, {postgresql(options.postgres)}."
    )
    print(content)
    if options.write_readme:
        report.write("lists", content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
