"""A run is a figure only if every answer was the right one."""

import pytest

from benchmarks.wrk import Figure, Refused, Unanswered, parse

RESULT = (
    "Running 7s test @ http://127.0.0.1:8000\n  2 threads and 16 connections\n"
    "result: requests={requests} right={right} wrong={wrong} connect={connect} read={read} write={write}"
    " timeout={timeout} duration_us=2000000 p50_us=1500 p99_us=20250\nsample: {sample}\n"
)


def printed(sample: str = "", **counts: int) -> str:
    """What wrk prints after 1,000 right answers in 2 seconds, but for what is given."""
    told = {"requests": 1000, "right": 1000, "wrong": 0, "connect": 0, "read": 0, "write": 0, "timeout": 0} | counts
    return RESULT.format(**told, sample=sample)


def test_a_run_of_right_answers_is_a_figure():
    assert parse(printed()) == Figure(per_second=500, p50=1.5, p99=20.25, requests=1000)


@pytest.mark.parametrize("fault", ["wrong", "connect", "read", "write", "timeout"])
def test_one_fault_in_a_thousand_requests_refuses_the_run(fault: str):
    with pytest.raises(Refused, match=f"not every answer was right: 1 {fault}"):
        parse(printed(**{fault: 1}))


def test_the_refusal_shows_the_first_wrong_answer():
    with pytest.raises(Refused, match=r'3 wrong; e\.g\. 503 {"error":"away"}'):
        parse(printed(wrong=3, right=997, sample='503 {"error":"away"}'))


def test_an_answer_that_nobody_checked_refuses_the_run():
    with pytest.raises(Refused, match="1000 requests, but 999 checked answers"):
        parse(printed(right=999))


def test_a_run_without_an_answer_is_no_figure():
    with pytest.raises(Unanswered, match="0 requests"):
        parse(printed(requests=0, right=0))


def test_what_is_no_result_is_no_figure():
    with pytest.raises(Refused, match="wrk printed no result: unable to connect"):
        parse("unable to connect\n")
