"""What an operation costs as the directory grows: the directory alone, at several sizes side by side."""

import argparse
import contextlib
import time

from benchmarks import report
from benchmarks.console import say
from benchmarks.contest import Contest, Contestant, numbered
from benchmarks.serving import SERVERS
from benchmarks.sides import OURS, Unequal, asked, database
from benchmarks.wrk import Figure


def measure(options: argparse.Namespace) -> dict[str, dict[int, Figure | None]]:
    """Serve all sizes at once, and time each operation on all of them in turns: the figures by operation and size."""
    rows: dict[str, dict[int, Figure | None]] = {}
    with contextlib.ExitStack() as stack:
        served = {}
        for users in options.users:
            started = time.monotonic()
            url = stack.enter_context(database(options.postgres, OURS, users, keep=options.keep))
            say(f"{users:,} users loaded in {time.monotonic() - started:.0f} s")
            server = SERVERS[options.server]
            running = stack.enter_context(
                OURS.serving(server, url, workers=options.workers, threads=options.threads, log=f"-{users}")
            )
            served[users] = Contestant(str(users), OURS, running, users)
        contest = Contest(options, list(served.values()), numbered())
        for name in options.operations:
            try:
                for users, contestant in served.items():
                    asked(OURS, name, contestant.running.port, users)
            except Unequal as error:
                say(f"FAILED {name}: {error}")
                rows[name] = dict.fromkeys(served)
                continue
            figures = contest.figures(name)
            rows[name] = {users: figures[contestant.label] for users, contestant in served.items()}
            say(report.growth({name: rows[name]}).splitlines()[-1])
    return rows
