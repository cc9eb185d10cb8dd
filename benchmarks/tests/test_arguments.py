"""What the command line takes."""

import pytest

from benchmarks.__main__ import arguments
from benchmarks.sides import OPERATIONS


def test_every_operation_is_timed_at_both_sizes_unless_told_otherwise():
    read = arguments([])
    assert read.operations == list(OPERATIONS)
    assert read.users == [1_000, 1_000_000]
    assert read.peers == ["djoser", "bare"]
    assert (read.workers, read.connections) == (2, 16)


def test_sizes_and_operations_are_lists():
    read = arguments(["--users=1_000,20000", "--operations=list,sign in", "--peers=bare"])
    assert (read.users, read.operations, read.peers) == ([1000, 20000], ["list", "sign in"], ["bare"])


def test_there_may_be_no_reference():
    assert arguments(["--peers="]).peers == []


def test_growth_has_sizes_of_its_own():
    assert arguments(["--growth"]).users == [1_000, 100_000, 1_000_000, 10_000_000]
    assert arguments(["--growth", "--users=1000,10000000"]).users == [1000, 10_000_000]


@pytest.mark.parametrize(
    "wrong",
    [
        "--operations=delete",
        "--peers=nobody",
        "--users=many",
        "--users=1",
        "--server=other",
        "--rounds=0",
        "--seconds=0",
        "--soak=0",
    ],
)
def test_what_makes_no_sense_is_refused(wrong: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        arguments([wrong])
    assert stopped.value.code == 2
    assert wrong.partition("=")[0] in capsys.readouterr().err


def test_a_smoke_run_is_small_and_can_still_be_told_more():
    read = arguments(["--smoke", "--seconds=3"])
    assert (read.users, read.rounds, read.seconds) == ([50], 1, 3)
