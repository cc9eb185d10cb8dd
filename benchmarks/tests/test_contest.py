"""Rounds in turns, growth and memory: who is timed when, and what is made of it."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from benchmarks import contest, soak
from benchmarks.contest import Contest, Contestant
from benchmarks.processes import Memory
from benchmarks.soak import Point, grown, table
from benchmarks.wrk import Figure, Refused, Unanswered


@pytest.fixture
def ran(monkeypatch):
    """Two contestants; the runs of each are noted, and take no time. `refused` names whose are refused."""
    runs = SimpleNamespace(order=[], refused=set(), requests=0)

    def run(self, name, options, seconds, number):
        runs.order.append((self.label, seconds, number))
        if self.label in runs.refused:
            raise Refused("wrong")
        return Figure(100 * number, 1, 2, requests=runs.requests)

    monkeypatch.setattr(Contestant, "run", run)
    return runs


def held(rounds: int) -> Contest:
    contestants = [Contestant(label, None, None, 1000) for label in ("a", "b")]
    return Contest(SimpleNamespace(rounds=rounds, seconds=9), contestants, contest.numbered())


def test_sides_take_turns_and_the_first_round_does_not_count(ran):
    figures = held(rounds=2).figures("get")
    warm_up = contest.WARM_UP_SECONDS
    assert ran.order == [("b", warm_up, 1), ("a", warm_up, 2), ("a", 9, 3), ("b", 9, 4), ("b", 9, 5), ("a", 9, 6)]
    assert figures == {"a": Figure(450, 1, 2), "b": Figure(450, 1, 2)}


def test_a_refused_run_takes_the_figure_from_its_side_alone(ran, capsys):
    ran.refused = {"b"}
    figures = held(rounds=1).figures("get")
    assert figures == {"a": Figure(300, 1, 2), "b": None}
    assert "FAILED get, 1,000 users, b: wrong" in capsys.readouterr().err


def test_memory_that_settles_early_is_flat():
    points = [Point(100 * n, [Memory(size, size / 2)]) for n, size in enumerate((60, 70, 71, 72), start=1)]
    assert grown(points) == pytest.approx(72 / 70 - 1)
    assert table(points).splitlines()[2:] == [
        "| 100 | 60.0 | 30.0 |",
        "| 200 | 70.0 | 35.0 |",
        "| 300 | 71.0 | 35.5 |",
        "| 400 | 72.0 | 36.0 |",
        "",
        "From the second row to the last: +2.9%, flat.",
    ]


def test_memory_that_grows_is_not():
    points = [Point(100 * n, [Memory(70, 40), Memory(70 + 3 * n, 40)]) for n in range(1, soak.POINTS + 1)]
    assert grown(points) > soak.TOLERANCE
    assert "NOT flat" in table(points)


def test_what_takes_longer_than_a_run_gets_a_longer_one(monkeypatch):
    lengths = []

    def run(request, *, seconds, **told):
        lengths.append(seconds)
        if len(lengths) == 1:
            raise Unanswered("nothing")
        return Figure(1, 2, 3)

    monkeypatch.setattr(contest.wrk, "run", run)
    side = SimpleNamespace(operations={"list": None}, request=lambda *told: None)
    contestant = Contestant("a", side, SimpleNamespace(port=1, origin=""), 1000)
    assert contestant.run("list", SimpleNamespace(connections=16), 4, 1) == Figure(1, 2, 3)
    assert lengths == [4, contest.PATIENT_SECONDS]


@pytest.fixture
def soaked(ran, monkeypatch):
    """A soak of a server that takes no time, and whose workers have always the same size."""
    monkeypatch.setattr(soak, "database", lambda *told, **more: nullcontext("url"))
    side = SimpleNamespace(serving=lambda *told, **more: nullcontext(SimpleNamespace(process=SimpleNamespace(pid=1))))
    monkeypatch.setattr(soak, "OURS", side)
    monkeypatch.setattr(soak, "worker_memories", lambda pid, workers: [Memory(70, 40)])
    ran.requests = 300
    options = {"soak": 10_000, "users": [1000], "operations": ["get", "list"], "server": "make-serve", "minutes": 60}
    return lambda **told: soak.measure(
        SimpleNamespace(**(options | told), keep=False, postgres="", workers=2, threads=4)
    )


def test_memory_is_looked_at_after_each_tenth_of_the_requests(soaked):
    assert [point.requests for point in soaked()] == [1200, 2100, 3000, 4200, 5100, 6000, 7200, 8100, 9000, 10200]


def test_a_soak_that_has_no_time_is_refused(soaked):
    with pytest.raises(Refused, match="300 requests in 0 minutes are too few"):
        soaked(minutes=0)
