"""Where the time of a request goes: shares do not overlap, and what they are made of is there."""

from types import SimpleNamespace

import pytest

from benchmarks import inside
from benchmarks.inside import DATABASE, REST, SHARES, Watch, answered, averaged, environ_of
from benchmarks.profile import PROFILED, arguments, table
from benchmarks.sides import OPERATIONS
from benchmarks.wrk import Request


@pytest.mark.parametrize("name", [name for names in SHARES.values() for name in names])
def test_what_a_share_begins_with_is_there(name):
    owner, attribute = inside._found(name)
    assert callable(vars(owner)[attribute])


def test_a_name_that_is_gone_is_told():
    with pytest.raises(KeyError, match=r"UserViewSet.gone is no more"):
        inside._found("accounts.api.views:UserViewSet.gone")


def test_what_is_profiled_is_an_operation():
    assert set(PROFILED) <= set(OPERATIONS)
    assert arguments([]).operations.split(",") == list(PROFILED)


@pytest.fixture
def clock(monkeypatch):
    """Two clocks that go as they are told: of the processor, and of the wall."""
    times = SimpleNamespace(processor=0, wall=0)
    monkeypatch.setattr(inside.time, "process_time_ns", lambda: times.processor)
    monkeypatch.setattr(inside.time, "perf_counter_ns", lambda: times.wall)

    def passes(processor: int, waiting: int = 0) -> None:
        times.processor += processor
        times.wall += processor + waiting

    return passes


def test_the_time_of_a_share_is_not_that_of_the_share_that_called_it(clock):
    watch = Watch()
    database = watch.wrapped(lambda: clock(100, waiting=40), DATABASE)

    def view():
        clock(10)
        database()
        clock(5)

    clock(1)
    watch.wrapped(view, "routing")()
    clock(2, waiting=1000)
    watch.turn()
    assert watch.spent == {REST: 3, "routing": 15, DATABASE: 100}
    assert watch.waited == 40


def test_functions_are_wrapped_wherever_they_are_known_and_put_back():
    from accounts import passwords
    from accounts.api import including, views

    before = (views.shown, including.shown, passwords.verified)
    with Watch().installed():
        assert views.shown is including.shown is not before[0]
        assert passwords.verified is not before[2]
    assert (views.shown, including.shown, passwords.verified) == before


def test_the_requests_in_the_middle_count():
    spent = [{"a": value, "waited": 0} for value in (1000, 1, 10, 12, 14, 16, 10, 12, 14, 16)]
    assert averaged(spent) == {"a": 13, "waited": 0}


def test_the_application_answers_without_a_server(cast):
    from usermgmt.wsgi import application

    answered(
        application, Request("GET", "/users/current", 401), environ_of(Request("GET", "/users/current", 401), 1, "n")
    )
    with pytest.raises(RuntimeError, match="401"):
        answered(application, Request("GET", "/users", 200), environ_of(Request("GET", "/users", 200), 1, "n"))


def test_the_table_tells_shares_the_server_and_the_timers():
    found = {"get": {"plain": 900_000, "waited": 50_000, "shares": {REST: 400_000, DATABASE: 600_000}}}
    rows = dict(line.strip("| ").split(" | ") for line in table(found, {"get": 1_500_000}).splitlines()[2:])
    assert rows["server"] == "600"
    assert (rows[REST], rows[DATABASE], rows["routing"]) == ("400", "600", "0")
    assert rows["the timers themselves, to be taken off"] == "-100"
    assert rows["**in all**"] == "**1,500**"
    assert rows[f"{DATABASE}: waiting besides"] == "50"
