"""Where limits are counted, and what happens while Redis is away (DESIGN 3)."""

import logging
import os
import socket
import subprocess
import sys
import threading

import pytest
import redis
from django.conf import settings

from usermgmt.errors import TooManyRequests
from usermgmt.http import counters, limits, redis_counters
from usermgmt.http.counters import DatabaseStore
from usermgmt.http.limits import Limit
from usermgmt.http.redis_counters import ElseDatabase, RedisStore
from usermgmt.models import Counter

pytestmark = pytest.mark.django_db

TWO = Limit("two", 2, 3600)


@pytest.fixture
def clock(monkeypatch):
    """The machine's own clock, in seconds; `clock[0] += 5` lets time pass."""
    now = [1000.0]
    monkeypatch.setattr(redis_counters.time, "monotonic", lambda: now[0])
    return now


class Failing:
    """A Redis that is away, and how often it was asked."""

    def __init__(self):
        self.asked = 0

    def __getattr__(self, name):
        def fail(*arguments):
            self.asked += 1
            raise redis.exceptions.ConnectionError("redis://:secret42@10.0.0.7 refused")

        return fail


@pytest.fixture
def away(monkeypatch, clock):
    """A Redis that is away."""
    failing = Failing()
    store = ElseDatabase(failing)
    monkeypatch.setattr(counters, "store", lambda: store)
    monkeypatch.setattr(limits, "store", lambda: store)
    return failing


def test_limits_are_counted_in_the_database_without_a_redis(settings):
    settings.REDIS_URL = ""
    assert isinstance(counters.store(), DatabaseStore)
    limits.take(TWO, "k")
    assert Counter.objects.get().count == 1


def test_nobody_without_a_redis_loads_what_speaks_to_one():
    """It takes as long to load as all of the contracts."""
    told = subprocess.run(  # our own interpreter, no input
        [
            sys.executable,
            "-c",
            "import django, sys; django.setup(); import usermgmt.urls; print('redis' in sys.modules)",
        ],
        env=os.environ | {"REDIS_URL": ""},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "False\n"


def test_and_in_redis_with_one(settings, redis_url, monkeypatch):
    settings.REDIS_URL = redis_url
    monkeypatch.setattr(redis_counters, "REDIS_PREFIX", "usermgmt:test:there:")
    limits.forget(TWO, "k")
    assert limits.take(TWO, "k").remaining == 1
    assert not Counter.objects.exists()
    client = redis.Redis.from_url(redis_url)
    (name,) = client.keys("usermgmt:test:there:*")
    assert 3600 <= client.ttl(name) <= 3600 + redis_counters.SLACK // 1000  # it removes itself
    limits.forget(TWO, "k")
    assert client.keys("usermgmt:test:there:*") == []


def test_a_process_has_one_pool_of_connections(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert counters.store() is counters.store()


def test_while_redis_is_away_the_database_counts(away):
    taken = [limits.take(TWO, "k"), limits.take(TWO, "k")]
    with pytest.raises(TooManyRequests):
        limits.take(TWO, "k")
    assert Counter.objects.get().count == 2
    assert limits.give_back(TWO, "k", taken[1]).remaining == 1
    assert limits.peek(TWO, "k").remaining == 1
    limits.forget(TWO, "k")
    assert not Counter.objects.exists()


def test_it_is_not_asked_again_for_some_seconds(away, clock):
    for _ in range(2):
        limits.take(TWO, "k")
    assert away.asked == 1
    clock[0] += redis_counters.REDIS_PAUSE
    limits.peek(TWO, "k")
    assert away.asked == 2


def test_one_line_a_minute_says_so_and_no_password_stands_in_it(away, clock, caplog):
    many = Limit("many", 1000, 3600)
    with caplog.at_level(logging.ERROR, "usermgmt.limits"):
        for _ in range(59):
            limits.take(many, "k")
            clock[0] += 1
        assert len(caplog.records) == 1
        clock[0] += 1
        limits.take(many, "k")
    told = [record.getMessage() for record in caplog.records]
    assert told == ["Redis is away, limits are counted in the database: ConnectionError"] * 2
    assert "secret42" not in caplog.text


def test_a_redis_that_is_back_counts_on(clock, monkeypatch, redis_url):
    monkeypatch.setattr(redis_counters, "REDIS_PREFIX", "usermgmt:test:back:")
    there = RedisStore(redis_url)
    store = ElseDatabase(there)
    monkeypatch.setattr(limits, "store", lambda: store)
    limits.forget(TWO, "k")
    limits.take(TWO, "k")
    store._redis = Failing()
    limits.take(TWO, "k")
    store._redis = there
    clock[0] += redis_counters.REDIS_PAUSE
    assert limits.take(TWO, "k").remaining == 0
    limits.forget(TWO, "k")


@pytest.mark.parametrize("mute", [False, True], ids=["refusing", "silent"])
def test_a_call_is_answered_though_redis_refuses_or_is_silent(call, settings, monkeypatch, mute):
    monkeypatch.setattr(redis_counters, "REDIS_TIMEOUT", 0.05)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if mute:
            server.listen()
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        body = {"email": "nobody@example.com", "password": "wrong"}
        answers = [call().post("/auth/token", body) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


def test_a_redis_that_errs_is_away_too(call, settings):
    """One that is loading, full or a replica answers with an error."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    while connection.recv(4096):
                        connection.sendall(b"-LOADING Redis is loading the dataset in memory\r\n")

        threading.Thread(target=answer, daemon=True).start()
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        assert limits.take(TWO, "k").remaining == 1
        server.shutdown(socket.SHUT_RDWR)
    assert Counter.objects.get().count == 1
