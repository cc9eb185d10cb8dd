"""A create by a form beside the native one: both are taken, and the table tells what each costs."""

import json
from types import SimpleNamespace

import pytest

from accounts.models import User
from accounts.tests.callers import api_token_of, caller
from benchmarks import forms, wrk
from benchmarks.forms import CREATES, Measured, arguments, compared, measure, request
from benchmarks.wrk import Figure
from usermgmt.dialects.forms import vendor


def test_three_rounds_with_two_workers_are_the_default():
    read = arguments([])
    assert (read.rounds, read.workers, read.connections, read.write_readme) == (3, 2, 16, False)


@pytest.mark.parametrize("name", CREATES)
def test_each_contract_takes_its_create_by_the_one_token(cast, name):
    vendor.make_present()
    sent = request(name, api_token_of(cast.administrator)[1])
    client = caller()
    client.credentials(HTTP_AUTHORIZATION=f"{sent.scheme}{sent.token}")
    body = json.loads(sent.body.replace("{n}", "1x1"))
    if "client_id" in body:
        body["client_id"] = cast.acme.pk
    answer = client.post(sent.path, body)
    assert answer.status_code == sent.status, answer.content
    assert User.objects.get(email__endswith="1x1@example.com").has_usable_password()


def test_the_table_tells_what_a_create_costs_by_the_native_one():
    found = {
        "native": Measured([Figure(200, 5, 50)], [2.0, 4.0, 3.0]),
        "forms": Measured([Figure(100, 10, 90)], [4.5]),
    }
    assert compared(found).splitlines()[2:] == [
        "| native, `POST /users` | 200 | 5.0 | 50.0 | 3.00 | 1.00 |",
        "| forms, `POST /api/users` | 100 | 10.0 | 90.0 | 4.50 | 1.50 |",
    ]


def test_both_are_timed_in_turns_and_the_first_round_does_not_count(monkeypatch):
    paths, seconds = [], iter(range(1000))

    def run(sent, **options):
        paths.append(sent.path)
        return Figure(10, 1, 2)

    monkeypatch.setattr(wrk, "run", run)
    monkeypatch.setattr(forms, "processor_seconds", lambda pid: float(next(seconds)))
    server = SimpleNamespace(process=SimpleNamespace(pid=1), origin="http://127.0.0.1:1")
    found = measure(arguments(["--rounds=2", "--seconds=10"]), server, "token")
    assert paths == ["/api/users", "/users", "/users", "/api/users", "/api/users", "/users"]
    assert {name: measured.costs for name, measured in found.items()} == {name: [10.0, 10.0] for name in CREATES}
