"""Limits: exact, shared, and told of; the same in the database and in Redis (DESIGN 3)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis
import time_machine
from django.db import connections

from usermgmt.errors import Quota, TooManyRequests
from usermgmt.http import counters, limits, redis_counters
from usermgmt.http.limits import Backoff, Limit
from usermgmt.http.problems import problem_of
from usermgmt.models import Counter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counting")]

THREE = Limit("three", 3, 60)
DELAYS = Backoff("delays", free=3, first=30, longest=900, memory=86_400)
THREADS = 16


@pytest.fixture
def clock():
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        yield clock


def refusal(limit, key="k"):
    """The refusal of one more, told in seconds."""
    with pytest.raises(TooManyRequests) as refused:
        limits.take(limit, key)
    return refused.value


def crowd(number, work):
    """What `number` calls at once gave, by threads with a connection each; a refusal is among the results."""
    barrier = threading.Barrier(THREADS)

    def run(share):
        try:
            barrier.wait(30)
            return [attempt() for _ in range(share)]
        finally:
            connections.close_all()

    def attempt():
        try:
            return work()
        except TooManyRequests as refused:
            return refused

    with ThreadPoolExecutor(THREADS) as threads:
        shares = [number // THREADS + (n < number % THREADS) for n in range(THREADS)]
        return [result for future in [threads.submit(run, share) for share in shares] for result in future.result()]


# Windows


def test_so_many_pass_and_the_next_is_refused_until_the_window_ends(clock):
    assert [limits.take(THREE, "k").remaining for _ in range(3)] == [2, 1, 0]

    clock.shift(timedelta(seconds=20))
    assert refusal(THREE).wait == 40
    clock.shift(timedelta(seconds=39, milliseconds=999))
    assert refusal(THREE).wait == 1
    clock.shift(timedelta(milliseconds=1))
    assert limits.take(THREE, "k").remaining == 2


def test_an_answer_tells_the_limit_what_remains_and_when_there_is_more(clock):
    clock.shift(timedelta(milliseconds=400))
    limits.take(THREE, "k")
    clock.shift(timedelta(seconds=15, milliseconds=1))

    told = limits.take(THREE, "k").quota

    assert told == Quota(3, 1, 45)


def test_a_refusal_tells_when_to_try_again_in_whole_seconds(clock):
    for _ in range(3):
        limits.take(THREE, "k")
    clock.shift(timedelta(milliseconds=500))

    problem = problem_of(refusal(THREE))

    assert (problem.status, problem.data) == (429, {"wait": 60})
    assert (problem.headers, problem.quota) == ({"Retry-After": "60"}, Quota(3, 0, 60))


def test_keys_and_limits_are_counted_apart(clock):
    other = Limit("other", 1, 60)
    for _ in range(3):
        limits.take(THREE, "k")

    assert limits.take(THREE, "K").remaining == 2
    assert limits.take(other, "k").remaining == 0
    assert refusal(THREE).quota.limit == 3


@pytest.mark.parametrize("key", ["", "x" * 1_000_000, "\0", "\ud7ff\U0001f984", "a b\r\nDEL *"])
def test_any_text_is_a_key(clock, key):
    assert limits.take(THREE, key).remaining == 2
    assert limits.peek(THREE, key).remaining == 2


def test_looking_counts_nothing(clock):
    assert limits.peek(THREE, "k").quota == Quota(3, 3, 60)
    limits.take(THREE, "k")
    assert [limits.peek(THREE, "k").remaining for _ in range(5)] == [2] * 5
    assert limits.take(THREE, "k").remaining == 1


def test_looking_at_what_is_used_up_tells_the_wait(clock):
    for _ in range(3):
        limits.take(THREE, "k")
    assert (limits.peek(THREE, "k").wait, limits.peek(THREE, "j").wait) == (60, 0)


def test_what_did_not_count_is_given_back_once(clock):
    first, second, third = (limits.take(THREE, "k") for _ in range(3))
    limits.give_back(THREE, "k", third)
    assert limits.take(THREE, "k").remaining == 0
    limits.give_back(THREE, "k", first)
    limits.give_back(THREE, "k", second)
    assert limits.peek(THREE, "k").remaining == 2


def test_what_is_given_back_after_the_window_changes_nothing_of_the_next(clock):
    taken = limits.take(THREE, "k")
    clock.shift(timedelta(seconds=61))
    limits.take(THREE, "k")
    limits.give_back(THREE, "k", taken)
    assert limits.peek(THREE, "k").remaining == 2


def test_giving_back_never_makes_more_than_there_was(clock):
    taken = limits.take(THREE, "k")
    for _ in range(5):
        limits.give_back(THREE, "k", taken)
    assert limits.peek(THREE, "k").remaining == 3
    assert [limits.take(THREE, "k").remaining for _ in range(3)] == [2, 1, 0]


def test_a_limit_that_is_made_smaller_holds_at_once(clock):
    for _ in range(2):
        limits.take(THREE, "k")
    smaller = Limit("three", 2, 60)
    limits.take(smaller, "k")  # the one that finds out
    assert refusal(smaller).quota.remaining == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_hundred_at_once_exactly_a_hundred_pass_and_no_remainder_is_told_twice():
    hundred = Limit("hundred", 100, 3600)

    results = crowd(200, lambda: limits.take(hundred, "k"))

    passed = [result for result in results if not isinstance(result, TooManyRequests)]
    assert sorted(standing.remaining for standing in passed) == list(range(100))
    refused = [result for result in results if isinstance(result, TooManyRequests)]
    assert len(refused) == 100
    assert all(result.wait >= 1 and result.quota.remaining == 0 for result in refused)


@pytest.mark.django_db(transaction=True)
def test_giving_back_at_once_loses_none(clock):
    many = Limit("many", 1000, 3600)
    taken = crowd(60, lambda: limits.take(many, "k"))
    returned = iter(taken[:30])
    lock = threading.Lock()

    def give_one_back():
        with lock:
            standing = next(returned)
        limits.give_back(many, "k", standing)

    crowd(30, give_one_back)
    assert limits.peek(many, "k").remaining == 970


# Growing delays


def test_after_some_each_must_wait_twice_as_long_as_the_one_before(clock):
    for _ in range(3):
        standing = limits.take(DELAYS, "k")
    waits = []
    for _ in range(8):
        waits.append(standing.wait)
        assert refusal(DELAYS).wait == waits[-1]
        clock.shift(timedelta(seconds=waits[-1], milliseconds=-1))
        assert refusal(DELAYS).wait == 1
        clock.shift(timedelta(milliseconds=1))
        standing = limits.take(DELAYS, "k")
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_hammering_does_not_prolong_the_wait(clock):
    for _ in range(3):
        limits.take(DELAYS, "k")
    waits = []
    for _ in range(30):
        waits.append(refusal(DELAYS).wait)
        clock.shift(timedelta(seconds=1))
    assert waits == list(range(30, 0, -1))
    assert limits.take(DELAYS, "k").wait == 60


def test_a_delay_is_told_before_it_is_there_and_while_it_lasts(clock):
    assert [limits.take(DELAYS, "k").quota for _ in range(3)] == [
        Quota(3, 2, 86400),
        Quota(3, 1, 86400),
        Quota(3, 0, 30),
    ]
    clock.shift(timedelta(seconds=12, milliseconds=500))
    assert refusal(DELAYS).quota == Quota(3, 0, 18)


def test_all_is_forgotten_when_there_was_none_for_long(clock):
    for _ in range(4):
        limits.take(DELAYS, "k")
        clock.shift(timedelta(seconds=31))
    clock.shift(timedelta(seconds=86_400 - 31 - 1))
    assert limits.peek(DELAYS, "k").tally.count == 4
    clock.shift(timedelta(seconds=1))
    assert limits.peek(DELAYS, "k").remaining == 3
    assert limits.take(DELAYS, "k").remaining == 2


def test_each_one_begins_the_memory_anew(clock):
    limits.take(DELAYS, "k")
    clock.shift(timedelta(hours=23))
    limits.take(DELAYS, "k")
    clock.shift(timedelta(hours=23))
    assert limits.peek(DELAYS, "k").remaining == 1


def test_forgetting_begins_anew(clock):
    for _ in range(3):
        limits.take(DELAYS, "k")
    limits.forget(DELAYS, "k")
    assert limits.take(DELAYS, "k").remaining == 2


def test_giving_back_ends_the_block_that_the_same_one_began(clock):
    for _ in range(2):
        limits.take(DELAYS, "k")
    limits.give_back(DELAYS, "k", limits.take(DELAYS, "k"))
    assert (limits.peek(DELAYS, "k").wait, limits.peek(DELAYS, "k").remaining) == (0, 1)

    limits.take(DELAYS, "k")
    clock.shift(timedelta(seconds=30))
    limits.give_back(DELAYS, "k", limits.take(DELAYS, "k"))  # the fourth
    assert limits.take(DELAYS, "k").wait == 60


def test_giving_back_leaves_the_block_that_another_began(clock):
    early = limits.take(DELAYS, "k")
    for _ in range(2):
        limits.take(DELAYS, "k")
    clock.shift(timedelta(seconds=30))
    assert limits.take(DELAYS, "k").wait == 60
    limits.give_back(DELAYS, "k", early)
    assert limits.peek(DELAYS, "k").wait == 60


@pytest.mark.parametrize(("free", "waits"), [(1, [30, 60]), (2, [0, 30])])
def test_the_first_ones_are_free(clock, free, waits):
    backoff = Backoff("first", free=free, first=30, longest=900, memory=3600)
    told = []
    for _ in waits:
        told.append(limits.take(backoff, "k").wait)
        clock.shift(timedelta(seconds=told[-1]))
    assert told == waits


@pytest.mark.django_db(transaction=True)
def test_of_two_hundred_guesses_at_once_only_the_free_ones_pass():
    results = crowd(200, lambda: limits.take(DELAYS, "k"))
    passed = [result for result in results if not isinstance(result, TooManyRequests)]
    assert sorted(standing.remaining for standing in passed) == [0, 1, 2]
    assert {result.wait for result in results if isinstance(result, TooManyRequests)} <= {29, 30}


# What is stored


def test_neither_addresses_nor_names_lie_in_the_store(clock, counting, settings):
    key = "olga@example.com 192.0.2.7"
    limits.take(THREE, key)

    if counting == "database":
        stored = [str(row) for row in Counter.objects.values()]
    else:
        client = redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)
        stored = [str((name, client.hgetall(name))) for name in client.keys(f"{redis_counters.REDIS_PREFIX}*")]

    (row,) = stored
    assert "olga" not in row and "192.0.2" not in row
    settings.SECRET_KEY = "another key, so another digest: " + "x" * 20
    assert limits.peek(THREE, key).remaining == 3


def test_counters_that_are_past_are_removed_and_no_other(clock, counting):
    limits.take(THREE, "k")
    limits.take(DELAYS, "k")
    clock.shift(timedelta(seconds=60))
    assert counters.forget_past() == (1 if counting == "database" else 0)
    assert limits.peek(DELAYS, "k").remaining == 2


# Several at once

ONE = Limit("one", 1, 60)
SEVERAL: list[limits.Counted] = [(THREE, "a"), (ONE, "b"), (DELAYS, "c")]


def facts(standings):
    return [(standing.remaining, standing.reset, standing.wait) for standing in standings]


def test_several_are_counted_as_each_is_by_itself(clock):
    alone = [(limit, f"alone {key}") for limit, key in SEVERAL]
    for turn in range(4):
        taken, refused = limits.take_all(SEVERAL)
        by_themselves = []
        for limit, key in alone:
            try:
                by_themselves.append(limits.take(limit, key))
            except TooManyRequests as refusal_alone:
                assert (refused[limit, key.removeprefix("alone ")].wait, turn > 0) == (refusal_alone.wait, True)
        assert facts(taken.values()) == facts(by_themselves)
        assert taken.keys() | refused.keys() == set(SEVERAL) and not taken.keys() & refused.keys()
        clock.shift(timedelta(seconds=7))
    assert facts(limits.peek_all(SEVERAL)) == facts(limits.peek_all(alone))


def test_one_that_must_wait_is_in_nobody_elses_way():
    limits.take(ONE, "b")
    taken, refused = limits.take_all(SEVERAL)
    assert (list(taken), list(refused)) == ([SEVERAL[0], SEVERAL[2]], [SEVERAL[1]])
    assert refused[SEVERAL[1]].wait in (59, 60)


def test_several_are_given_back_as_each_is_by_itself_and_one_begins_anew(clock):
    limits.take_all(SEVERAL)
    clock.shift(timedelta(seconds=1))
    taken, _ = limits.take_all([SEVERAL[0], SEVERAL[2]])

    given = limits.give_back_all(taken, forgotten=SEVERAL[1])

    assert facts(given.values()) == [(2, 59, 0), (2, 86_400, 0), (1, 60, 0)]
    assert facts(limits.peek_all([*taken, SEVERAL[1]])) == facts(given.values())
    assert limits.take(*SEVERAL[1]).remaining == 0


def test_what_was_forgotten_or_is_past_is_given_back_by_nobody(clock):
    taken, _ = limits.take_all(SEVERAL)
    limits.give_back_all({}, forgotten=SEVERAL[0])
    assert facts(limits.give_back_all({SEVERAL[0]: taken[SEVERAL[0]]}).values()) == [(3, 60, 0)]
    clock.shift(timedelta(days=2))
    assert facts(limits.give_back_all(taken).values()) == [(3, 60, 0), (1, 60, 0), (3, 86_400, 0)]
    assert facts([limits.take(*counted) for counted in SEVERAL]) == [(2, 60, 0), (0, 60, 60), (2, 86_400, 0)]


def test_of_none_nothing_is_asked():
    assert limits.take_all([]) == ({}, {})
    assert limits.give_back_all({}) == {}


@pytest.mark.django_db(transaction=True)
def test_several_at_once_in_any_order_lose_none_and_wait_for_nobody_for_ever():
    many = [(Limit("many", 1000, 3600), key) for key in ("a", "b", "c")]
    turns = iter(range(64))
    lock = threading.Lock()

    def take_and_give_half_back():
        with lock:
            turn = next(turns)
        order = many if turn % 2 else many[::-1]
        taken, refused = limits.take_all(order)
        assert not refused
        if turn < 32:
            limits.give_back_all({counted: taken[counted] for counted in reversed(order)})

    crowd(64, take_and_give_half_back)
    assert [standing.remaining for standing in limits.peek_all(many)] == [968] * 3
