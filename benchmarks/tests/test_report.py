"""Medians, ratios, and the table."""

import pytest

from benchmarks.report import Row, comparison, growth, middle, ratio, rewritten
from benchmarks.wrk import Figure


def test_the_middle_is_the_median_of_each_value_by_itself():
    rounds = [Figure(100, 9, 30), Figure(900, 1, 10), Figure(200, 2, 90)]
    assert middle(rounds) == Figure(per_second=200, p50=2, p99=30)


def test_the_middle_of_two_rounds_lies_between_them():
    assert middle([Figure(100, 1, 10), Figure(300, 2, 20)]) == Figure(200, 1.5, 15)


def test_the_ratio_is_ours_to_the_other():
    assert ratio(Figure(300, 1, 2), Figure(200, 1, 2)) == 1.5


@pytest.mark.parametrize("sides", [(None, Figure(1, 1, 1)), (Figure(1, 1, 1), None), (None, None)])
def test_there_is_no_ratio_to_a_refused_run(sides: tuple[Figure | None, Figure | None]):
    assert ratio(*sides) is None


def test_the_table_has_a_line_per_operation_and_size():
    rows = [
        Row("get", 1000, {"ours": Figure(1234.5, 1.26, 20), "djoser": Figure(617.25, 2.5, 40)}),
        Row("list", 1_000_000, {"ours": Figure(12.34, 1000, 2345.6), "djoser": Figure(24.68, 500, 900)}),
    ]
    assert comparison(rows, ["djoser"]).splitlines() == [
        "| Operation | Users | req/s | djoser | ratio | p50 ms | djoser | p99 ms | djoser |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| get | 1,000 | 1,234 | 617 | 2.00 | 1.3 | 2.5 | 20.0 | 40.0 |",
        "| list | 1,000,000 | 12.3 | 24.7 | 0.50 | 1,000.0 | 500.0 | 2,345.6 | 900.0 |",
    ]


def test_a_refused_run_stands_as_failed_and_not_as_a_figure():
    line = comparison([Row("get", 1000, {"ours": None, "djoser": Figure(200, 1, 2)})], ["djoser"]).splitlines()[-1]
    assert line == "| get | 1,000 | failed | 200 | failed | failed | 1.0 | failed | 2.0 |"


def test_what_a_reference_does_not_offer_is_a_dash():
    line = comparison([Row("search", 1000, {"ours": Figure(200, 1, 2)})], ["bare"]).splitlines()[-1]
    assert line == "| search | 1,000 | 200 | - | - | 1.0 | - | 2.0 | - |"


def test_growth_tells_what_an_operation_costs_by_the_first_size():
    rows = {
        "get": {1000: Figure(300, 1, 2), 100_000: Figure(200, 1, 2)},
        "list": {1000: Figure(300, 1, 2), 100_000: None},
    }
    assert growth(rows).splitlines() == [
        "| Operation | 1,000 users, req/s | 100,000 | cost |",
        "| :--- | ---: | ---: | ---: |",
        "| get | 300 | 200 | 1.50 |",
        "| list | 300 | failed | failed |",
    ]


def test_what_is_between_the_markers_is_replaced_and_nothing_else():
    document = "before\n<!-- a: begin -->\nold\n<!-- a: end -->\n<!-- b: begin -->\nkept\n<!-- b: end -->\n"
    assert rewritten(document, "a", r"new \1") == (
        "before\n<!-- a: begin -->\nnew \\1\n<!-- a: end -->\n<!-- b: begin -->\nkept\n<!-- b: end -->\n"
    )


def test_a_document_without_the_markers_is_not_touched():
    with pytest.raises(ValueError, match="no markers <!-- a: begin -->"):
        rewritten("text", "a", "new")
