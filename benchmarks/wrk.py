"""The load generator: runs wrk, and takes its figures only if every answer was the right one."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import BELOW, SCATTER, SYLLABLES

SCRIPT = Path(__file__).with_name("load.lua")
TIMEOUT_SECONDS = 30  # of one answer; wrk's own 2 would cut the slowest out of the percentiles
THREADS = 2
_RESULT = re.compile(r"^result:((?: \w+=\d+)+)$", re.MULTILINE)
_SAMPLE = re.compile(r"^sample: (.+)$", re.MULTILINE)


class Refused(Exception):
    """The run gives no figure; the text says why."""


class Unanswered(Refused):
    """Not one request was answered within the run: it was too short for them."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What one run measured; times in milliseconds."""

    per_second: float
    p50: float
    p99: float
    requests: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent over and over. In `path` and `body`, of one random loaded user: {id}, {family} (the family name) and
    {part} (the same in lower case); {n} is new each time.

    status: of the right answer; holds: text that is in it. token: "" for none; scheme: what stands before it. ids: the
    first and the last of the loaded users.
    """

    method: str
    path: str
    status: int
    body: str = ""
    token: str = ""
    ids: tuple[int, int] = (1, 1)
    scheme: str = "Bearer "
    holds: str = ""


def require() -> None:
    """Raise Refused, with what to do, where wrk is not installed."""
    if shutil.which("wrk") is None:
        raise Refused("wrk is not installed; on Debian: apt-get install wrk")


def run(request: Request, *, origin: str, connections: int, seconds: int, number: int) -> Figure:
    """Send `request` to `origin` (http://host:port) from `connections` connections for `seconds`.

    number: of the run; what is new in a request is made with it, so it must not come twice on one database.
    Raises Refused.
    """
    # In the environment, not among the arguments: those are for everybody to see, and there is a token.
    environment = os.environ | {
        "BENCH_METHOD": request.method,
        "BENCH_PATH": request.path,
        "BENCH_BODY": request.body,
        "BENCH_AUTHORIZATION": f"{request.scheme}{request.token}" if request.token else "",
        "BENCH_STATUS": str(request.status),
        "BENCH_HOLDS": request.holds,
        "BENCH_FIRST_ID": str(request.ids[0]),
        "BENCH_LAST_ID": str(request.ids[1]),
        "BENCH_RUN": str(number),
        "BENCH_SYLLABLES": " ".join(SYLLABLES),
        "BENCH_SCATTER": str(SCATTER),
        "BENCH_BELOW": str(BELOW),
    }
    threads = min(THREADS, connections)
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", f"--timeout={TIMEOUT_SECONDS}s"]
    done = subprocess.run(
        [*command, "-s", str(SCRIPT), origin], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Refused(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    return parse(done.stdout)


def parse(output: str) -> Figure:
    """The figure in what wrk printed. Raises Refused unless every request got the right answer, Unanswered where none
    got any."""
    found = _RESULT.search(output)
    if found is None:
        raise Refused(f"wrk printed no result: {output.strip()}")
    counts = {name: int(value) for name, value in (pair.split("=") for pair in found[1].split())}
    faults = [f"{counts[name]} {name}" for name in ("wrong", "connect", "read", "write", "timeout") if counts[name]]
    if faults:
        sample = _SAMPLE.search(output)
        raise Refused("not every answer was right: " + ", ".join(faults) + (f"; e.g. {sample[1]}" if sample else ""))
    if not counts["requests"]:
        raise Unanswered("0 requests were answered in time")
    if counts["right"] != counts["requests"]:
        raise Refused(f"{counts['requests']} requests, but {counts['right']} checked answers")
    return Figure(
        per_second=counts["requests"] / (counts["duration_us"] / 1_000_000),
        p50=counts["p50_us"] / 1000,
        p99=counts["p99_us"] / 1000,
        requests=counts["requests"],
    )
