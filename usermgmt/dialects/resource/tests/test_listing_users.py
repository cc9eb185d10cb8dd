"""GET /users (contract 3, and 8.8 to 8.11)."""

from itertools import pairwise

import pytest

from accounts.models import User
from accounts.tests.factories import UserFactory
from accounts.tests.test_query_budgets import queries
from usermgmt.dialects.resource.tests.shapes import invalid, refusal_of, users_of

CHOICES = "The `_sort` value '{}' is not valid."


@pytest.fixture
def client(cast, call):
    return call(cast.administrator)


@pytest.fixture
def crowd(cast):
    """120 more users of a client."""
    User.objects.bulk_create(
        UserFactory.build(client=cast.acme, is_superuser=False, password="!", username=f"u{n}") for n in range(120)
    )


def numbers(answer):
    return [user["userId"] for user in users_of(answer)]


def test_twenty_are_told_unless_more_are_asked_for(client, crowd):
    everybody = list(User.objects.order_by("pk").values_list("pk", flat=True))
    assert numbers(client.get("/v1/users")) == everybody[:20]
    assert numbers(client.get("/v1/users?_perPage=100")) == everybody[:100]
    assert numbers(client.get("/v1/users?_perPage=1")) == everybody[:1]


def test_pages_begin_at_zero_never_overlap_and_end_with_an_empty_one(client, crowd):
    everybody = list(User.objects.order_by("pk").values_list("pk", flat=True))
    assert numbers(client.get("/v1/users?_page=0&_perPage=10")) == everybody[:10]
    assert numbers(client.get("/v1/users?_page=1&_perPage=10")) == everybody[10:20]

    walked, page = [], 0
    while rows := numbers(client.get(f"/v1/users?_page={page}&_perPage=10&_sort=lastName")):
        walked, page = walked + rows, page + 1

    assert sorted(walked) == everybody
    assert len(walked) == len(set(walked))


@pytest.mark.parametrize("zeros", [0, 1, 19, 20, 5000])
def test_zeros_before_a_number_are_nothing(client, crowd, zeros):
    everybody = list(User.objects.order_by("pk").values_list("pk", flat=True))
    nothing = "0" * zeros
    assert numbers(client.get("/v1/users", {"_page": f"{nothing}2", "_perPage": f"{nothing}10"})) == everybody[20:30]
    assert client.get("/v1/users", {"_page": f"-{nothing}1"}).status_code == 400


@pytest.mark.parametrize("page", ["13", "999999999999", "9" * 19, "9" * 5000])
def test_past_the_end_there_are_none(client, crowd, page):
    assert client.get("/v1/users", {"_page": page, "_perPage": 10}).json() == {"users": []}


@pytest.mark.parametrize(
    ("query", "message", "reason"),
    [
        ("_perPage=0", "The field `_perPage` must be between 1 and 100", "Value too small"),
        ("_perPage=-5", "The field `_perPage` must be between 1 and 100", "Value too small"),
        ("_perPage=101", "The field `_perPage` must be between 1 and 100", "Value too large"),
        ("_perPage=" + "9" * 5000, "The field `_perPage` must be between 1 and 100", "Value too large"),
        ("_perPage=abc", "The field `_perPage` must be between 1 and 100", "Invalid type"),
        ("_perPage=", "The field `_perPage` must be between 1 and 100", "Invalid type"),
        ("_perPage=10.0", "The field `_perPage` must be between 1 and 100", "Invalid type"),
        ("_perPage=%D9%A1", "The field `_perPage` must be between 1 and 100", "Invalid type"),
        ("_page=-1", "The field `_page` must be an integer of at least 0", "Value too small"),
        ("_page=x", "The field `_page` must be an integer of at least 0", "Invalid type"),
        ("_page=%2B1", "The field `_page` must be an integer of at least 0", "Invalid type"),
        ("_page=1%00", "The field `_page` must be an integer of at least 0", "Invalid type"),
        ("_page=", "The field `_page` must be an integer of at least 0", "Invalid type"),
        ("_sort=password", CHOICES.format("password"), "Invalid value"),
        ("_sort=--lastName", CHOICES.format("--lastName"), "Invalid value"),
        ("_sort=", CHOICES.format(""), "Invalid value"),
        ("_sort=last_name_shown", CHOICES.format("last_name_shown"), "Invalid value"),
        ("_sort=lastname", CHOICES.format("lastname"), "Invalid value"),
        ("_sort=userId,lastName", CHOICES.format("userId,lastName"), "Invalid value"),
        ("_sort=%7Bname%7D", CHOICES.format("{name}"), "Invalid value"),
    ],
    ids=lambda value: value[:30],
)
def test_a_parameter_that_makes_no_sense_is_refused_by_name(client, query, message, reason):
    refused = refusal_of(client.get(f"/v1/users?{query}"))
    assert refused == invalid(message, (query.partition("=")[0], reason), location="query")


def test_all_that_is_wrong_with_the_parameters_is_told(client):
    status, told = refusal_of(client.get("/v1/users?_sort=x&_perPage=0&_page=x"))
    assert (status, told["code"]) == (400, "INVALID_FIELD")
    assert [detail["field"] for detail in told["details"]] == ["_page", "_perPage", "_sort"]


def test_other_parameters_filter_nothing(client, cast):
    assert len(numbers(client.get("/v1/users?firstName=Olga&page=7&search=x"))) == 6


def test_names_are_sorted_with_regard_to_case(client, cast):
    for name in ("adams", "Zeta", "Brown", "Émile", "été", "a", "_"):
        UserFactory(name=f"Person {name}", family_name=name, client=cast.acme)
    cast_names = ["Administrator", "Disabled", "Outsider", "Owner", "Spare", "Stranger"]
    expected = sorted(["adams", "Zeta", "Brown", "Émile", "été", "a", "_", *cast_names], key=str.encode)

    up = [user["lastName"] for user in users_of(client.get("/v1/users?_sort=lastName"))]
    down = [user["lastName"] for user in users_of(client.get("/v1/users?_sort=-lastName"))]

    assert up == expected
    assert down == expected[::-1]
    assert [name for name in up if name in ("Brown", "Zeta", "adams")] == ["Brown", "Zeta", "adams"]


@pytest.mark.parametrize("order", ["userId", "firstName", "lastName", "contactEmail"])
def test_it_is_sorted_by_each_property_as_it_is_shown_both_ways(client, cast, order):
    for n, name in enumerate(["zoe", "Zoe Z", "Zoe A B", "zoe a", "\u200b Ω", "X" * 255]):
        UserFactory(name=name, email=f"{'AbCdEf'[n]}{n}@Example.com", client=cast.acme)
    UserFactory(name="Shown Otherwise", given_name="aaa", middle_name="M", family_name="ZZZ", client=cast.acme)

    def bytewise(user):
        return user[order] if order == "userId" else user[order].encode()

    up = users_of(client.get(f"/v1/users?_sort={order}"))
    assert [bytewise(user) for user in up] == sorted(bytewise(user) for user in up)
    assert users_of(client.get(f"/v1/users?_sort=-{order}")) == up[::-1]
    assert {user["userId"] for user in up} == set(User.objects.values_list("pk", flat=True))


def test_users_of_one_name_stand_in_the_order_of_their_numbers(client, cast):
    for _ in range(5):
        UserFactory(name="Same Name", client=cast.acme)
    same = [user["userId"] for user in users_of(client.get("/v1/users?_sort=lastName")) if user["firstName"] == "Same"]
    assert all(first < second for first, second in pairwise(same))
    assert len(same) == 5


@pytest.mark.parametrize("order", ["", "?_sort=lastName&_page=2", "?_sort=-contactEmail&_perPage=100"])
def test_a_list_takes_three_queries_however_many_there_are(client, crowd, order):
    # Who calls, how often, and the page.
    assert len(queries(lambda: client.get(f"/v1/users{order}"))) == 3
