"""The whole frame, once: databases, servers, wrk, and a table of right answers."""

import os
import shutil
import subprocess
import sys

import psycopg
import pytest
from django.conf import settings

from benchmarks.serving import ROOT


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
@pytest.mark.skipif(settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"), reason="needs PostgreSQL")
@pytest.mark.timeout(300)
def test_a_smoke_run_gets_right_answers():
    """Beside the bare views alone: djoser is installed for `make bench` only."""
    given = settings.DATABASES["default"]
    server = f"postgres://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT'] or 5432}"
    users = 100 + os.getpid() % 900  # in the names of the databases: two runs at once have each their own
    command = [
        "--smoke",
        f"--users={users}",
        "--peers=bare",
        "--seconds=1",  # of each run: what it is about is the answers
        "--operations=current,search name,update",
        f"--postgres={server}",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows[2:]] == ["| current", "| search name", "| update"]
    assert all("failed" not in row for row in rows)
    with psycopg.connect(f"{server}/postgres") as left:
        found = left.execute(
            "SELECT datname FROM pg_database WHERE datname IN ('um_bench_ours_50', 'um_bench_peers_50')"
        )
        assert found.fetchall() == []
