"""API_RATE: of a user or token, on every call of every contract, told on every answer (DESIGN 3)."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from rest_framework.test import APIRequestFactory

from accounts.tests.factories import PASSWORD
from accounts.tests.test_races import at_once
from usermgmt.http import rates
from usermgmt.origin import Origin, coming_from
from usermgmt.urls import NATIVE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counting")]

TOLD = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


@pytest.fixture
def clock():
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture(autouse=True)
def three_a_minute(settings):
    settings.API_RATE = (3, 60)


def told(answer):
    return tuple(answer.headers.get(name) for name in TOLD)


def test_calls_are_not_limited_unless_said(cast, call, settings):
    settings.API_RATE = None
    client = call(cast.owner)
    answers = [client.get("/users/current") for _ in range(10)]
    assert {(answer.status_code, told(answer)) for answer in answers} == {(200, (None, None, None))}


def test_each_answer_tells_what_remains_and_past_it_is_429(cast, call, clock):
    client = call(cast.owner)
    assert [told(client.get("/users/current")) for _ in range(3)] == [("3", str(n), "60") for n in (2, 1, 0)]
    clock.shift(timedelta(seconds=15))

    refused = client.get("/users/current")

    assert (refused.status_code, refused.json()) == (429, {"error": "Too many requests. Try again in 45 seconds."})
    assert (refused.headers["Retry-After"], *told(refused)) == ("45", "3", "0", "45")
    clock.shift(timedelta(seconds=45))
    assert client.get("/users/current").status_code == 200


def test_refusals_are_calls_too_and_tell_as_well(cast, call, clock):
    client = call(cast.owner)
    statuses = {"/users": 403, "/users/current?include=shoe": 422, f"/users/{cast.stranger.pk}": 403}
    for n, (path, status) in enumerate(statuses.items()):
        answer = client.get(path)
        assert (answer.status_code, told(answer)) == (status, ("3", str(2 - n), "60"))
    assert client.post("/users", {}).status_code == 429


def test_each_user_has_calls_of_their_own_however_many_tokens(cast, call, clock):
    for client in (call(cast.owner), call(cast.owner), call(cast.owner)):
        assert client.get("/users/current").status_code == 200
    assert call(cast.owner).get("/users/current").status_code == 429
    assert call(cast.stranger).get("/users/current").status_code == 200


def test_a_call_with_a_dead_token_counts_for_its_address(cast, call, clock):
    client = call()
    client.credentials(HTTP_AUTHORIZATION="Bearer dead")
    answers = [client.get("/users/current", REMOTE_ADDR="192.0.2.7") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert [told(answer)[1] for answer in answers] == ["2", "1", "0", "0"]
    assert call().get("/users/current", REMOTE_ADDR="192.0.2.7").status_code == 429
    assert call().get("/users/current", REMOTE_ADDR="192.0.2.8").status_code == 401
    assert call(cast.owner).get("/users/current", REMOTE_ADDR="192.0.2.7").status_code == 200


def test_calls_of_nobody_count_for_their_address(cast, call, clock):
    assert [call().get("/.well-known/jwks.json").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_an_answer_tells_of_the_limit_that_is_nearer(cast, call, clock, settings):
    settings.API_RATE = (7, 60)
    body = {"email": "olga@example.com", "password": "wrong"}
    nearer = [told(call().post("/auth/token", body))[:2] for _ in range(3)]
    assert nearer == [("5", "4"), ("5", "3"), ("5", "2")]
    for _ in range(3):
        call().get("/.well-known/jwks.json")
    assert told(call().post("/auth/token", {**body, "password": PASSWORD}))[:2] == ("7", "0")
    assert call().post("/auth/token", body).headers["Retry-After"] == "60"


def test_a_token_that_lives_long_has_calls_of_its_own(cast, clock):
    request = APIRequestFactory().get("/")
    request.user, request.auth = cast.owner, SimpleNamespace(pk=7)
    assert rates.take(request, NATIVE).remaining == 2
    request.auth = SimpleNamespace(pk=8)
    assert rates.take(request, NATIVE).remaining == 2
    request.auth = None
    assert rates.take(request, NATIVE).remaining == 2
    with coming_from(Origin(address="192.0.2.7")):
        assert rates.take_of_stranger(NATIVE).remaining == 2


@pytest.mark.django_db(transaction=True)
def test_at_once_exactly_so_many_pass_and_no_remainder_is_told_twice(cast, call, settings):
    settings.API_RATE = (10, 3600)
    client = call(cast.owner)
    answers = at_once(*[lambda: client.get("/users/current")] * 20)
    passed = [answer for answer in answers if answer.status_code == 200]
    assert sorted(int(answer.headers["RateLimit-Remaining"]) for answer in passed) == list(range(10))
    assert [answer.status_code for answer in answers].count(429) == 10
