"""`python -m benchmarks.crowd`: what everybody else notices while the server hashes (README.md, "Beside a crowd")."""

import argparse
import http.client
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median, quantiles

from argon2.low_level import Type, hash_secret, verify_secret

from benchmarks import report, wrk
from benchmarks.console import end_by_signals, say
from benchmarks.load import ADMINISTRATOR_ID, FIRST_ID, PASSWORD, email_of
from benchmarks.processes import worker_memory
from benchmarks.serving import HOST, SERVERS, Running
from benchmarks.sides import OPERATIONS, OURS, Unequal, call, database, postgresql

USERS = 1000
READERS = 2  # connections that ask for the current user all the time
SAMPLE_SECONDS = 0.1  # between two looks at the memory
TIMEOUT_SECONDS = 120


def arguments(given: list[str]) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd", description=__doc__)
    parser.add_argument("--crowd", type=int, default=100, help="sign-ins at the same time")
    parser.add_argument("--new", type=int, default=1000, help="users with passwords that one call makes")
    parser.add_argument("--seconds", type=int, default=15, help="of each part that has no end of its own")
    parser.add_argument("--rounds", type=int, default=3, help="of sign-ins and nothing else, each beside a bare loop")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--postgres", default="postgres://postgres@127.0.0.1:5432", help="URL without a database")
    parser.add_argument("--minutes", type=float, default=5, help="the whole run is given up after them")
    parser.add_argument("--write-readme", action="store_true", help="put the table into benchmarks/README.md")
    return parser.parse_args(given)


@dataclass(slots=True)
class Seen:
    """What was measured while something went on. reads: milliseconds of each. memory: MiB of a worker, sampled."""

    reads: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    done: int = 0  # of what went on: sign-ins, users made
    seconds: float = 0.0

    def cells(self) -> list[str]:
        """Its part of a row."""
        last = quantiles(self.reads, n=100)[98]
        return [
            f"{self.done / self.seconds:.1f}" if self.done else "",
            f"{len(self.reads) / self.seconds:,.0f}",
            *map(report.milliseconds, (median(self.reads), last, max(self.reads))),
            f"{max(self.memory):.0f}",
        ]


class Failed(Exception):
    """An answer was not the right one; the text says which."""


def watched(server: Running, workers: int, work: Callable[[], int]) -> Seen:
    """Do `work`, which gives how much it did, while others read. Raises Failed if a read is refused."""
    seen, over, faults = Seen(), threading.Event(), list[str]()
    token = OURS.token(server.port, FIRST_ID)

    def read() -> None:
        with closing(http.client.HTTPConnection(HOST, server.port, timeout=TIMEOUT_SECONDS)) as connection:
            while not over.is_set():
                started = time.perf_counter()
                connection.request("GET", "/users/current", headers={"Authorization": f"Bearer {token}"})
                answer = connection.getresponse()
                answer.read()
                seen.reads.append((time.perf_counter() - started) * 1000)
                if answer.status != 200:
                    faults.append(f"a read got {answer.status}")
                    return

    def sample() -> None:
        while not over.wait(SAMPLE_SECONDS):
            seen.memory.append(worker_memory(server.process.pid, workers))

    others = [threading.Thread(target=target) for target in (sample, *[read] * READERS)]
    started = time.perf_counter()
    for thread in others:
        thread.start()
    try:
        seen.done = work()
    finally:
        seen.seconds = time.perf_counter() - started
        over.set()
        for thread in others:
            thread.join()
    if faults:
        raise Failed(faults[0])
    return seen


def nothing(seconds: int) -> int:
    """The beginning: nobody but the readers."""
    time.sleep(seconds)
    return 0


def sign_ins(server: Running, crowd: int, seconds: int) -> int:
    """`crowd` clients that sign in, each as another user, again as soon as they are answered; gives how many did."""
    end, faults = time.monotonic() + seconds, list[str]()
    counts = [0] * crowd

    def client(number: int) -> None:
        for turn in itertools.count():
            user_id = FIRST_ID + (number + turn * crowd) % (USERS - FIRST_ID)
            body = json.dumps({"email": email_of(user_id), "password": PASSWORD})
            try:
                call(server.port, "POST", "/auth/token", body=body, timeout=TIMEOUT_SECONDS)
            except (Unequal, OSError, http.client.HTTPException) as error:
                faults.append(repr(error))
                return
            counts[number] += 1
            if time.monotonic() >= end:
                return

    threads = [threading.Thread(target=client, args=[number]) for number in range(crowd)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise Failed(f"{len(faults)} of the crowd failed: {faults[0]}")
    return sum(counts)


def bulk(server: Running, size: int) -> int:
    """One call that makes that many users with passwords; gives how many it made."""
    people = [
        {
            "name": f"Bulk Person {number}",
            "email": f"bulk{number}@example.com",
            "password": PASSWORD,
            "password_confirmation": PASSWORD,
            "client_id": 1,
        }
        for number in range(size)
    ]
    token = OURS.token(server.port, ADMINISTRATOR_ID)
    answer = call(
        server.port, "POST", "/users/bulk", body=json.dumps({"users": people}), token=token, timeout=TIMEOUT_SECONDS
    )
    made: int = sum(result["status"] == 201 for result in answer["results"])
    if made != size:
        raise Failed(f"{made} of {size} users were made")
    return made


def hashes(seconds: float) -> float:
    """How many passwords a second the machine verifies, with the costs of the server, if it does nothing else: a bare
    loop of the hasher for each core."""
    costs = OURS.environment("")
    memory, passes, lanes = (int(costs[f"ARGON2_{name}"]) for name in ("MEMORY_KIB", "PASSES", "LANES"))
    password = PASSWORD.encode()
    stored = hash_secret(password, bytes(16), passes, memory, lanes, 32, Type.ID)
    cores = len(os.sched_getaffinity(0))
    counts = [0] * cores
    started = time.perf_counter()

    def loop(number: int) -> None:
        while time.perf_counter() - started < seconds:
            verify_secret(stored, password, Type.ID)  # lets the other threads go on meanwhile
            counts[number] += 1

    threads = [threading.Thread(target=loop, args=[number]) for number in range(cores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def beside_the_hasher(server: Running, options: argparse.Namespace) -> str:
    """The table of sign-ins and nothing else beside the bare loop, which take turns: medians of the rounds."""
    request = OURS.request(OPERATIONS["sign in"], server.port, USERS)
    loops, signed_in = [], []
    for number in range(options.rounds):
        loops.append(hashes(options.seconds))
        figure = wrk.run(
            request, origin=server.origin, connections=options.crowd, seconds=options.seconds, number=number
        )
        signed_in.append(figure.per_second)
        say(f"{signed_in[-1]:.1f} sign-ins a second, {loops[-1]:.1f} hashes")
    return share(loops, signed_in, options.crowd)


def share(loops: Sequence[float], signed_in: Sequence[float], crowd: int) -> str:
    """The table, of the rates of each round."""
    of_the_loop = median(done / hashed for done, hashed in zip(signed_in, loops, strict=True))
    rows = [
        ["the hasher alone, in a bare loop on each core", f"{median(loops):.1f}", ""],
        [f"{crowd} parallel sign-ins, nothing else", f"{median(signed_in):.1f}", f"{of_the_loop:.2f}"],
    ]
    return report.table(["Alone", "done/s", "of the bare loop"], rows)


def main(given: list[str]) -> int:
    """Run, and give the exit code."""
    options = arguments(given)
    try:
        wrk.require()
    except wrk.Refused as missing:
        say(f"FAILED: {missing}")
        return 1
    end_by_signals(options.minutes)
    rows = []
    try:
        with (
            database(options.postgres, OURS, USERS, keep=False) as url,
            OURS.serving(SERVERS["make-serve"], url, workers=options.workers, threads=options.threads) as server,
        ):
            parts: dict[str, Callable[[], int]] = {
                "nothing else": lambda: nothing(options.seconds),
                f"{options.crowd} parallel sign-ins": lambda: sign_ins(server, options.crowd, options.seconds),
                f"`POST /users/bulk`, {options.new:,} users": lambda: bulk(server, options.new),
                "nothing else, again": lambda: nothing(options.seconds),
            }
            for name, work in parts.items():
                say(f"{name} ...")
                rows.append([name, *watched(server, options.workers, work).cells()])
            say("sign-ins, and the hasher alone, in turns ...")
            alone = beside_the_hasher(server, options)
    except (Failed, Unequal, wrk.Refused, RuntimeError, KeyboardInterrupt) as error:
        say(f"FAILED: {error!r}")
        return 1
    header = ["Meanwhile", "done/s", "reads/s", "read p50 ms", "p99 ms", "slowest ms", "MiB a worker, at most"]
    content = "\n\n".join(
        [
            report.table(header, rows),
            alone,
            f"`python -m benchmarks.crowd --crowd={options.crowd} --new={options.new} --seconds={options.seconds}"
            f" --rounds={options.rounds} --workers={options.workers} --threads={options.threads}`"
            f" on {datetime.now(UTC):%Y-%m-%d}: {report.machine()}, {postgresql(options.postgres)}.",
        ]
    )
    print(content)
    if options.write_readme:
        report.write("crowd", content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
