"""The OpenAPI document of each contract against a live server: Schemathesis makes the requests, and checks every answer.

A contract has a module that tells what Schemathesis needs to know of it: see `schemathesis_hooks`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.servers.basehttp import WSGIRequestHandler
from django.db import DEFAULT_DB_ALIAS, connection, connections

from usermgmt.http.contracts import documented_contracts

CONFIG = Path(__file__).with_name("schemathesis.toml")

# The module of each contract that has a document.
TOLD = {
    "forms": "usermgmt.dialects.forms.tests.schemathesis_forms",
    "native": "accounts.tests.schemathesis_native",
    "resource": "usermgmt.dialects.resource.tests.schemathesis_resource",
    "rocketchat": "usermgmt.dialects.rocketchat.tests.schemathesis_rocketchat",
}

# What a regular user may is the same on every database; a run takes longer than a thousand other tests.
CALLERS = ["administrator", "user"] if connection.vendor == "sqlite" else ["administrator"]


@pytest.mark.usefixtures("cast")
@pytest.mark.timeout(600)  # a minute on two busy cores
@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("contract", TOLD)
def test_the_server_does_what_its_document_says(live_server, client, contract, caller, monkeypatch):
    monkeypatch.setattr(settings, "ROCKETCHAT_REGISTRATION", True)  # that there is something to find
    # The server's answers go out in two writes; without this the second waits 40 ms for the other side's kernel.
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)
    # As on PostgreSQL: to open the file of SQLite anew for each call takes as long as many a call.
    monkeypatch.setitem(connections.settings[DEFAULT_DB_ALIAS], "CONN_MAX_AGE", 60)
    document = f"/openapi/{contract}.json"
    # A process of its own: Schemathesis has threads that parse Python, which CPython 3.11 can't stand beside
    # pytest's rewriting of what is imported meanwhile (python/cpython#106905).
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG, "run", f"{live_server.url}{document}"],
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "usermgmt.tests.schemathesis_hooks",
            "CONTRACT_TOLD": TOLD[contract],
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
    calls = sum(len(methods) for methods in client.get(document).json()["paths"].values())
    assert f"Tested: {calls}" in run.stdout
    phases = [line.strip() for line in run.stdout.partition("Test Phases:")[2].splitlines()[1:5]]
    assert [phase.split()[-1] for phase in phases] == ["Examples", "Coverage", "Fuzzing", "Stateful"]


def test_no_contract_with_a_document_is_left_out():
    assert set(TOLD) == set(documented_contracts())
