"""What the command line takes."""

import pytest

from benchmarks.__main__ import arguments
from benchmarks.sides import OPERATIONS


def test_every_operation_is_timed_at_both_sizes_unless_told_otherwise():
    read = arguments([])
    assert read.operations == list(OPERATIONS) == ["current", "get", "list", "update", "create", "sign in"]
    assert read.users == [1_000, 1_000_000]
    assert (read.workers, read.connections) == (2, 16)


def test_sizes_and_operations_are_lists():
    read = arguments(["--users=1_000,20000", "--operations=list,sign in"])
    assert (read.users, read.operations) == ([1000, 20000], ["list", "sign in"])


@pytest.mark.parametrize(
    "wrong", ["--operations=delete", "--users=many", "--users=1", "--server=other", "--rounds=0", "--seconds=0"]
)
def test_what_makes_no_sense_is_refused(wrong: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        arguments([wrong])
    assert stopped.value.code == 2
    assert wrong.partition("=")[0] in capsys.readouterr().err


def test_a_smoke_run_is_small_and_can_still_be_told_more():
    read = arguments(["--smoke", "--seconds=2"])
    assert (read.users, read.rounds, read.seconds) == ([50], 1, 2)
