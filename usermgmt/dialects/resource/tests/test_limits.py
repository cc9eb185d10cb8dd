"""What every answer tells of the caller's limit, and what is past it (contract 5, 8.17 and 8.18)."""

from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError, connection

from accounts.tests.test_races import at_once
from usermgmt.dialects.resource import views
from usermgmt.dialects.resource.tests.shapes import JOHN, LIMITS, refusal_of
from usermgmt.http.parsers import MAX_BODY_BYTES

NOW = 1772359200  # 2026-03-01T10:00:00Z

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counting")]


@pytest.fixture
def clock():
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture(autouse=True)
def ten_a_minute(settings):
    settings.RESOURCE_RATE = (10, 60)


def told(answer):
    return tuple(answer.headers.get(name) for name in LIMITS)


def away(execute, sql, params, many, context):
    raise OperationalError("server closed the connection unexpectedly")


def broken(user):
    raise RuntimeError("a mistake of ours")


def test_each_call_leaves_one_less_whatever_comes_of_it(cast, call, clock, monkeypatch):
    client, own = call(cast.administrator), f"/v1/users/{cast.owner.pk}"
    calls = {
        200: lambda: client.get(own),
        201: lambda: client.post("/v1/users", JOHN),
        400: lambda: client.post("/v1/users", {}),
        404: lambda: client.get("/v1/users/999999"),
        405: lambda: client.put(own, {}),
        413: lambda: client.post("/v1/users", JOHN | {"x": "x" * MAX_BODY_BYTES}),
        415: lambda: client.post("/v1/users", "a=b", content_type="application/x-www-form-urlencoded"),
        204: lambda: client.delete(own),
    }
    for n, (status, send) in enumerate(calls.items()):
        answer = send()
        assert (answer.status_code, told(answer)) == (status, ("10", str(9 - n), str(NOW + 60)))
    monkeypatch.setattr(views, "to_user", broken)
    answer = client.get(f"/v1/users/{cast.stranger.pk}")
    assert (answer.status_code, told(answer)) == (500, ("10", "1", str(NOW + 60)))
    answer = call(cast.stranger).get("/v1/users")
    assert (answer.status_code, told(answer)) == (403, ("10", "9", str(NOW + 60)))


def test_past_it_is_429_until_the_window_ends_with_the_same_number_in_header_and_message(cast, call, clock):
    client = call(cast.administrator)
    for _ in range(10):
        assert client.get("/v1/users").status_code == 200
    clock.shift(timedelta(seconds=29.5))

    refused = client.get("/v1/users")

    message = "Rate limit exceeded. Try again in 31 seconds"
    assert refusal_of(refused) == (429, {"code": "RATE_LIMIT_EXCEEDED", "message": message})
    assert (refused.headers["Retry-After"], *told(refused)[:2]) == ("31", "10", "0")
    assert NOW + 60 <= int(told(refused)[2]) <= NOW + 61
    clock.shift(timedelta(seconds=31))
    assert told(client.get("/v1/users"))[1] == "9"


@pytest.mark.parametrize("began", [0, 0.5, 0.999])
@pytest.mark.parametrize("later", [0, 0.25, 29.9])
def test_who_waits_for_the_reset_told_may_call_again(cast, call, settings, began, later):
    settings.RESOURCE_RATE = (1, 60)
    with time_machine.travel(NOW + began, tick=False) as clock:
        client = call(cast.administrator)
        assert client.get("/v1/users").status_code == 200
        clock.shift(timedelta(seconds=later))
        refused = client.get("/v1/users")
        assert refused.status_code == 429
        reset = int(told(refused)[2])
        assert NOW + began + 60 <= reset <= NOW + began + 62
        clock.move_to(reset)
        assert client.get("/v1/users").status_code == 200


def test_a_stranger_s_calls_count_for_the_address_and_tell_it(cast, call, clock):
    answers = [call().get("/v1/users", REMOTE_ADDR="192.0.2.7") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert [told(answer) for answer in answers[:2]] == [("10", "9", str(NOW + 60)), ("10", "8", str(NOW + 60))]
    assert told(answers[-1]) == ("10", "0", str(NOW + 60))
    assert call().get("/v1/users", REMOTE_ADDR="192.0.2.8").status_code == 401


def test_what_is_no_call_tells_where_the_address_stands_and_counts_nothing(cast, call, clock, settings):
    client = call(cast.administrator)
    for path in ("/v1/nope", "/v1/", "/v1/users/", "/v1/users/1/2", "/v1/Users"):
        answer = client.get(path)
        assert (answer.status_code, told(answer)) == (404, ("10", "10", str(NOW + 60)))
    settings.ALLOWED_HOSTS = ["directory.example.com"]
    answer = client.get("/v1/users", HTTP_HOST="elsewhere.example.com")
    assert (answer.status_code, told(answer)) == (400, ("10", "10", str(NOW + 60)))


def test_with_the_database_away_it_is_told_as_far_as_it_is_known(cast, call, clock):
    client = call(cast.administrator)
    with connection.execute_wrapper(away):
        answer = client.get("/v1/users")
    assert answer.status_code == 503
    assert told(answer) == ("10", "10", str(NOW + 60))


def test_each_token_has_calls_of_its_own_and_other_contracts_have_theirs(cast, call, by_token, clock, settings):
    settings.API_RATE = (3, 60)
    client, other = by_token(cast.administrator), by_token(cast.administrator)
    assert [told(client.get("/v1/users"))[1] for _ in range(5)] == ["9", "8", "7", "6", "5"]
    assert told(other.get("/v1/users"))[1] == "9"
    native = client.get("/users")
    assert (native.headers["RateLimit-Remaining"], told(native)) == ("2", (None, None, None))
    assert "RateLimit-Limit" not in client.get("/v1/users")


@pytest.mark.django_db(transaction=True)
def test_of_two_hundred_at_once_a_hundred_pass_and_no_remainder_is_told_twice(cast, by_token, settings):
    settings.RESOURCE_RATE = (100, 3600)
    client, path = by_token(cast.administrator), f"/v1/users/{cast.owner.pk}"

    crowds = at_once(*[lambda: [client.get(path) for _ in range(10)]] * 20)

    answers = [answer for crowd in crowds for answer in crowd]
    passed = [answer for answer in answers if answer.status_code == 200]
    assert sorted(int(told(answer)[1]) for answer in passed) == list(range(100))
    assert [answer.status_code for answer in answers].count(429) == 100
    assert {told(answer)[0] for answer in answers} == {"100"}


def test_scripts_of_a_named_origin_read_them(cast, call, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
    answer = call(cast.administrator).get("/v1/users", headers={"Origin": "https://app.example.com"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    exposed = set(answer.headers["access-control-expose-headers"].split(", "))
    assert {*LIMITS, "Retry-After", "X-Request-ID"} <= exposed
