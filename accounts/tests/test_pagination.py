"""Pages by number (native contract 5)."""

import pytest

from accounts.models import User
from accounts.tests.factories import UserFactory

POSITIVE = ["must be a positive integer"]


@pytest.fixture
def many(cast):
    """125 users in all, as in the contract's example."""
    made = [UserFactory.build(client=cast.acme, is_superuser=False, password="!") for _ in range(125 - 6)]
    User.objects.bulk_create(made)
    return list(User.objects.order_by("id").values_list("pk", flat=True))


def page(call, cast, query=""):
    """The numbers on the page, and its pagination."""
    answer = call(cast.administrator).get(f"/users?{query}")
    assert answer.status_code == 200, answer.json()
    assert list(answer.json()["meta"]) == ["pagination"]
    return [user["id"] for user in answer.json()["users"]], answer.json()["meta"]["pagination"]


def test_the_contracts_example(cast, call, many):
    ids, pagination = page(call, cast)

    assert ids == many[:25]
    assert pagination == {
        "current_page": 1,
        "next_page": 2,
        "prev_page": None,
        "total_pages": 5,
        "total_count": 125,
    }
    assert list(pagination) == ["current_page", "next_page", "prev_page", "total_pages", "total_count"]


@pytest.mark.parametrize(
    ("query", "start", "size", "next_page", "prev_page", "pages"),
    [
        ("page=1", 0, 25, 2, None, 5),
        ("page=2", 25, 25, 3, 1, 5),
        ("page=5", 100, 25, None, 4, 5),
        ("per_page=10&page=13", 120, 5, None, 12, 13),
        ("per_page=1&page=125", 124, 1, None, 124, 125),
        ("per_page=100", 0, 100, 2, None, 2),
        ("per_page=101", 0, 100, 2, None, 2),
        ("per_page=1000000000000", 0, 100, 2, None, 2),
        ("per_page=100&page=2", 100, 25, None, 1, 2),
        ("page=02", 25, 25, 3, 1, 5),
    ],
)
def test_each_page_tells_where_it_is(cast, call, many, query, start, size, next_page, prev_page, pages):  # noqa: PLR0917
    ids, pagination = page(call, cast, query)

    assert ids == many[start : start + size]
    assert (pagination["next_page"], pagination["prev_page"]) == (next_page, prev_page)
    assert (pagination["total_pages"], pagination["total_count"]) == (pages, 125)


@pytest.mark.parametrize("number", [6, 7, 10**6, 2**63, 10**39])
def test_a_page_past_the_end_is_empty_and_has_no_neighbours(cast, call, many, number):
    ids, pagination = page(call, cast, f"page={number}")

    assert ids == []
    assert pagination == {
        "current_page": number,
        "next_page": None,
        "prev_page": None,
        "total_pages": 5,
        "total_count": 125,
    }


def test_a_list_of_nobody_has_no_pages(cast, call):
    assert page(call, cast, "search=nobody-at-all") == (
        [],
        {"current_page": 1, "next_page": None, "prev_page": None, "total_pages": 0, "total_count": 0},
    )


def test_the_count_is_that_of_the_filtered(cast, call, many):
    assert page(call, cast, "client_id=null")[1]["total_count"] == 2
    assert page(call, cast, "per_page=2&active=false")[1] == {
        "current_page": 1,
        "next_page": None,
        "prev_page": None,
        "total_pages": 1,
        "total_count": 1,
    }


def test_the_count_is_exact_after_every_change(cast, call):
    client = call(cast.administrator)

    def count():
        return client.get("/users").json()["meta"]["pagination"]["total_count"]

    assert count() == 6
    client.delete(f"/users/{cast.owner.pk}")
    assert count() == 5
    UserFactory()
    assert count() == 6


@pytest.mark.parametrize("name", ["page", "per_page"])
@pytest.mark.parametrize(
    "value", ["0", "-1", "1.0", "1.5", "x", "", "%20", "1%20", "+1", "1e3", "٣", "²", "0x1", "null", "9" * 5000, "%00"]
)
def test_what_is_no_positive_integer_is_told_by_name(cast, call, name, value):
    answer = call(cast.administrator).get(f"/users?{name}={value}")

    assert (answer.status_code, answer.json()) == (422, {"errors": {name: POSITIVE}})


def test_both_are_told_at_once(cast, call):
    answer = call(cast.administrator).get("/users?page=0&per_page=0")

    assert answer.json() == {"errors": {"per_page": POSITIVE, "page": POSITIVE}}
