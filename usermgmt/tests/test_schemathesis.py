"""The OpenAPI document against a live server: Schemathesis makes the requests, and checks every answer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.servers.basehttp import WSGIRequestHandler
from django.db import connection

from usermgmt.tests.test_openapi import CALLS

CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.timeout(300)  # twenty seconds on two idle cores
@pytest.mark.parametrize("caller", ["administrator", "user"])
def test_the_server_does_what_its_document_says(live_server, cast, caller, monkeypatch, tmp_path):
    # The server's answers go out in two writes; without this the second waits 40 ms for the other side's kernel.
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)
    # A process of its own: Schemathesis has threads that parse Python, which CPython 3.11 can't stand beside
    # pytest's rewriting of what is imported meanwhile (python/cpython#106905).
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG, "run", f"{live_server.url}/openapi.json"],
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "usermgmt.tests.schemathesis_hooks",
            "CALLER": caller,
            "DATABASE": str(connection.settings_dict["NAME"]),
            "NO_COLOR": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert f"Tested: {len(CALLS)}" in run.stdout
    phases = [line.strip() for line in run.stdout.partition("Test Phases:")[2].splitlines()[1:5]]
    assert [phase.split()[-1] for phase in phases] == ["Examples", "Coverage", "Fuzzing", "Stateful"]
