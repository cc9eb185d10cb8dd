"""Pages and cursors, below the API: parameters, orderings, positions (native contract 5)."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import signing
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from accounts.models import User
from accounts.tests.factories import UserFactory
from clients.tests.factories import ClientFactory
from usermgmt.errors import Fault, Invalid
from usermgmt.http.pagination import NativePagination

ORDERINGS = {"id": "id", "name": "name_sorted", "last_sign_in": "last_login"}
VIEW = SimpleNamespace(collection="users", orderings=ORDERINGS)
MORNING = datetime(2026, 1, 1, 8, tzinfo=UTC)


def page(rows=None, **query):
    """The numbers of the rows on a page, and the answer around them."""
    pagination = NativePagination()
    request = Request(APIRequestFactory().get("/users", query))
    found = pagination.paginate_queryset(User.objects.all() if rows is None else rows, request, VIEW)
    return [user.pk for user in found], pagination.get_paginated_response([])


def walk(**query):
    """The numbers on all pages of a walk by cursor; each next page is asked for as its Link says."""
    numbers, cursor = [], ""
    while cursor is not None:
        found, answer = page(cursor=cursor, **query)
        numbers += found
        cursor = answer.data["meta"]["cursor"]["next"]
        assert ("Link" in answer.headers) == (cursor is not None)
        assert len(numbers) < 100
    return numbers


@pytest.fixture
def people(db):
    """Seven: two of a name, two who signed in at one moment, two who never did."""
    client = ClientFactory()
    names = ["Bea", "ada", "Zoe", "Ada", "Élodie", "bob", "Carl"]
    signed_in = [2, 1, None, 2, None, 3, 0]
    return [
        UserFactory(name=name, client=client, last_login=None if hour is None else MORNING + timedelta(hours=hour))
        for name, hour in zip(names, signed_in, strict=True)
    ]


EXPECTED = {
    "id": [0, 1, 2, 3, 4, 5, 6],
    "-id": [6, 5, 4, 3, 2, 1, 0],
    "name": [1, 3, 0, 5, 6, 2, 4],
    "-name": [4, 2, 6, 5, 0, 3, 1],
    "last_sign_in": [6, 1, 0, 3, 5, 2, 4],
    "-last_sign_in": [5, 3, 0, 1, 6, 4, 2],
}


@pytest.mark.parametrize("ordering", EXPECTED)
@pytest.mark.parametrize("per_page", [1, 2, 3, 7, 8])
def test_pages_and_walks_show_each_row_once_in_a_total_order(people, ordering, per_page):
    expected = [people[index].pk for index in EXPECTED[ordering]]
    by_number = [pk for number in range(1, 9) for pk in page(ordering=ordering, per_page=per_page, page=number)[0]]
    assert by_number == expected
    assert walk(ordering=ordering, per_page=per_page) == expected


def test_a_walk_neither_repeats_nor_skips_when_rows_come_and_go(people):
    first, answer = page(cursor="", per_page=3, ordering="name")
    assert first == [people[index].pk for index in (1, 3, 0)]
    people[0].delete()  # the row that the cursor stands on
    late = UserFactory(name="Bernd", client=people[1].client)  # behind it
    UserFactory(name="Aaron", client=people[1].client)  # before it: that part was read
    rest, _ = page(cursor=answer.data["meta"]["cursor"]["next"], per_page=9, ordering="name")
    assert rest == [late.pk, *(people[index].pk for index in (5, 6, 2, 4))]


def test_the_link_keeps_the_other_parameters(people):
    _, answer = page(cursor="", per_page=2, ordering="-name", active="true", client_id="7")
    address, _, relation = answer.headers["Link"].partition(";")
    query = parse_qs(urlsplit(address.strip("<>")).query)
    assert relation == ' rel="next"'
    assert query.pop("cursor") == [answer.data["meta"]["cursor"]["next"]]
    assert query == {"per_page": ["2"], "ordering": ["-name"], "active": ["true"], "client_id": ["7"]}


def test_the_numbers_of_a_page_in_the_middle(people):
    assert page(page=2, per_page=3)[1].data["meta"] == {
        "pagination": {"current_page": 2, "next_page": 3, "prev_page": 1, "total_pages": 3, "total_count": 7}
    }


def test_the_numbers_of_the_last_page(people):
    found, answer = page(page=3, per_page=3)
    assert len(found) == 1
    assert answer.data["meta"]["pagination"] == {
        "current_page": 3,
        "next_page": None,
        "prev_page": 2,
        "total_pages": 3,
        "total_count": 7,
    }


@pytest.mark.parametrize("number", [4, 10**30])
def test_a_page_past_the_end_is_empty_and_leads_nowhere(people, number):
    found, answer = page(page=number, per_page=3)
    meta = answer.data["meta"]["pagination"]
    assert found == []
    assert (meta["current_page"], meta["next_page"], meta["prev_page"], meta["total_pages"]) == (number, None, None, 3)


def test_of_nothing_there_are_no_pages(db):
    assert page()[1].data["meta"]["pagination"] == {
        "current_page": 1,
        "next_page": None,
        "prev_page": None,
        "total_pages": 0,
        "total_count": 0,
    }
    assert walk() == []


def test_a_page_costs_the_count_and_the_rows_and_a_walk_only_the_rows(people, django_assert_num_queries):
    with django_assert_num_queries(2):
        page(per_page=3)
    with django_assert_num_queries(1):
        page(per_page=3, cursor="")


def test_a_page_has_25_rows_unless_said_and_never_more_than_100(people):
    User.objects.bulk_create(
        UserFactory.build(client=people[0].client, password="!", is_superuser=False) for _ in range(110)
    )
    assert [len(page(**query)[0]) for query in ({}, {"per_page": 100}, {"per_page": 101}, {"per_page": 10**30})] == [
        25,
        100,
        100,
        100,
    ]


@pytest.mark.parametrize("name", ["page", "per_page"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "abc", "", " 1", "٣", "²", "1e3", "1" * 41])
def test_what_is_no_positive_integer_is_named(db, name, value):
    with pytest.raises(Invalid) as refusal:
        page(**{name: value})
    assert refusal.value.faults == (Fault(name, "not_positive"),)


@pytest.mark.parametrize("value", ["shoe_size", "--id", "password", "name_sorted", "", "-", "id,name", "ID"])
def test_an_unknown_ordering_is_named_with_the_known_ones(db, value):
    with pytest.raises(Invalid) as refusal:
        page(ordering=value)
    assert refusal.value.faults == (Fault("ordering", "unknown_choice", {"choices": "id, name, last_sign_in"}),)


def test_all_faults_are_told_at_once_with_those_reported():
    request = Request(APIRequestFactory().get("/users", {"page": 0, "per_page": 0, "ordering": "x", "cursor": "x"}))
    with pytest.raises(Invalid) as refusal:
        NativePagination().paginate_queryset(User.objects.all(), request, VIEW, [Fault("include", "invalid")])
    assert [fault.field for fault in refusal.value.faults] == ["include", "per_page", "page", "ordering", "cursor"]


def refused(cursor, **query):
    with pytest.raises(Invalid) as refusal:
        page(rows=User.objects.none(), cursor=cursor, **query)
    return refusal.value.faults == (Fault("cursor", "invalid"),)


@given(st.text(min_size=1))
def test_a_cursor_that_we_did_not_make_is_refused(cursor):
    assert refused(cursor)


def test_a_cursor_is_bound_to_its_ordering_and_cannot_be_changed(people):
    cursor = page(cursor="", per_page=2, ordering="name")[1].data["meta"]["cursor"]["next"]
    assert refused(cursor)
    assert refused(cursor, ordering="-name")
    assert refused(cursor[:-1] + ("A" if cursor[-1] != "A" else "B"), ordering="name")
    assert refused(signing.dumps(["name", "ada", 1]), ordering="name")  # signed by us, for another use


def test_a_cursor_outlives_the_rotation_of_the_secret_key(people, settings):
    cursor = page(cursor="", per_page=6)[1].data["meta"]["cursor"]["next"]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [settings.SECRET_KEY]
    assert page(cursor=cursor)[0] == [people[6].pk]
