"""A walk by cursor through the whole directory (native contract 5)."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import UserFactory
from clients.tests.factories import ClientFactory

INVALID = {"errors": {"cursor": ["is invalid"]}}
ORDERINGS = [sign + name for name in ("id", "name", "email", "created_at", "last_sign_in") for sign in ("", "-")]
START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def crowd(cast):
    """Twenty users of Acme, with many equal names, moments of creation and of sign-in, and some who never did."""
    made = [
        UserFactory.build(
            name=["Same", "same", "Ünal", "Ärger"][number % 4],
            client=cast.acme,
            is_superuser=False,
            password="!",
            created_at=START + timedelta(seconds=number // 7),
            last_login=None if number % 3 == 0 else START + timedelta(microseconds=number // 6),
        )
        for number in range(17)
    ]
    User.objects.bulk_create(made)
    return set(User.objects.filter(client=cast.acme).values_list("pk", flat=True))


def walk(client, path, between=lambda number: None):
    """The pages of the walk that starts at `path`, by the links of the answers; `between` runs after each."""
    pages = []
    while path:
        answer = client.get(path)
        assert answer.status_code == 200, answer.json()
        pages.append([user["id"] for user in answer.json()["users"]])
        cursor = answer.json()["meta"]["cursor"]["next"]
        link = answer.headers.get("Link")
        assert (link is None) is (cursor is None)
        path = None
        if link is not None:
            path = re.fullmatch(r'<http://testserver(/[^>]*)>; rel="next"', link)[1]
            assert parse_qs(urlsplit(path).query)["cursor"] == [cursor]
        between(len(pages))
    return pages


def test_the_walk_starts_with_an_empty_cursor_and_ends_with_null(cast, call):
    first = call(cast.administrator).get("/users?cursor=&per_page=4")
    second = call(cast.administrator).get(f"/users?cursor={first.json()['meta']['cursor']['next']}&per_page=4")

    assert [user["id"] for user in first.json()["users"] + second.json()["users"]] == list(
        User.objects.order_by("id").values_list("pk", flat=True)
    )
    assert list(first.json()) == ["users", "meta"]
    assert first.json()["meta"] == {"cursor": {"next": first.json()["meta"]["cursor"]["next"]}}
    assert second.json()["meta"] == {"cursor": {"next": None}}
    assert "Link" not in second.headers


@pytest.mark.parametrize("ordering", ORDERINGS)
@pytest.mark.parametrize("per_page", [1, 3, 7, 100])
def test_everyone_is_met_exactly_once_in_the_order_of_the_list(cast, call, crowd, ordering, per_page):
    client = call(cast.administrator)
    whole = client.get(f"/users?ordering={ordering}&per_page=100").json()["users"]

    pages = walk(client, f"/users?cursor=&ordering={ordering}&per_page={per_page}")

    assert [pk for page in pages for pk in page] == [user["id"] for user in whole]
    assert [len(page) for page in pages[:-1]] == [per_page] * (len(pages) - 1)
    assert pages[-1]


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_rows_made_and_deleted_meanwhile_are_neither_repeated_nor_make_others_be_skipped(cast, call, crowd, ordering):
    gone = set()

    def meddle(number):
        # The first and the last that are left go, whether they were met or not; new ones come before and behind.
        left = list(User.objects.filter(client=cast.acme).values_list("pk", flat=True))
        gone.update(left[:1] + left[-1:])
        User.objects.filter(pk__in=gone).delete()
        UserFactory(
            name=f"Same {number}" if number % 2 else "A", client=cast.globex, created_at=START, last_login=START
        )

    pages = walk(call(cast.administrator), f"/users?cursor=&ordering={ordering}&per_page=4", meddle)

    met = [pk for page in pages for pk in page]
    assert len(met) == len(set(met))
    assert crowd - gone <= set(met)


def test_the_walk_keeps_its_filters_and_what_is_included(cast, call, crowd):
    client = call(cast.administrator)

    answer = client.get(f"/users?cursor=&per_page=5&client_id={cast.acme.pk}&client_id=null&active=true&include=role")
    query = parse_qs(urlsplit(answer.headers["Link"].split(">")[0]).query)
    pages = walk(client, f"/users?cursor=&per_page=5&client_id={cast.acme.pk}&active=true")

    assert query["client_id"] == [str(cast.acme.pk), "null"]
    assert (query["per_page"], query["active"], query["include"]) == (["5"], ["true"], ["role"])
    assert {pk for page in pages for pk in page} == crowd - {cast.disabled.pk}


@pytest.mark.parametrize("ordering", ["id", "name", "created_at", "last_sign_in"])
def test_a_cursor_belongs_to_its_ordering(cast, call, ordering):
    client = call(cast.administrator)
    cursor = client.get(f"/users?cursor=&per_page=1&ordering={ordering}").json()["meta"]["cursor"]["next"]

    for other in {"id", "-id", "name", "email", "-created_at", f"-{ordering}"} - {ordering}:
        answer = client.get(f"/users?cursor={cursor}&ordering={other}")
        assert (answer.status_code, answer.json()) == (422, INVALID)


@pytest.mark.parametrize("ordering", ["id", "name"])
def test_a_cursor_belongs_to_its_list(cast, call, ordering):
    client = call(cast.administrator)
    ClientFactory()
    of_clients = client.get(f"/clients?cursor=&per_page=1&ordering={ordering}").json()["meta"]["cursor"]["next"]
    of_users = client.get(f"/users?cursor=&per_page=1&ordering={ordering}").json()["meta"]["cursor"]["next"]

    assert client.get(f"/users?cursor={of_clients}&ordering={ordering}").json() == INVALID
    assert client.get(f"/clients?cursor={of_users}&ordering={ordering}").json() == INVALID


def test_a_cursor_that_we_did_not_make_is_refused(cast, call):
    client = call(cast.administrator)
    good = client.get("/users?cursor=&per_page=1").json()["meta"]["cursor"]["next"]
    value, signature = good.rsplit(":", 1)
    forged = [
        "x",
        "1",
        ":",
        "é:é",
        "%00",
        good + "x",
        good[:-1],
        f"{value}x:{signature}",
        f"{value}:{signature[::-1]}",
        value,
        signing.dumps(["id", 1, 1]),
        signing.dumps(["id", 1, 1], salt="somewhere.else"),
        "x" * 100_000,
    ]

    for cursor in forged:
        answer = client.get(f"/users?cursor={cursor}")
        assert (answer.status_code, answer.json()) == (422, INVALID), cursor


def test_a_forged_cursor_is_told_with_every_other_fault(cast, call):
    answer = call(cast.administrator).get("/users?cursor=x&per_page=0&active=maybe")

    assert answer.json() == {
        "errors": {
            "active": ["is invalid"],
            "per_page": ["must be a positive integer"],
            "cursor": ["is invalid"],
        }
    }


def test_the_walk_of_nobody_is_one_empty_page(cast, call):
    answer = call(cast.administrator).get("/users?cursor=&search=nobody-at-all")

    assert answer.json() == {"users": [], "meta": {"cursor": {"next": None}}}


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_every_page_is_found_by_an_index_however_deep(cast, call, crowd, ordering):
    client = call(cast.administrator)
    first = client.get(f"/users?cursor=&per_page=3&ordering={ordering}").json()["meta"]["cursor"]["next"]
    second = client.get(f"/users?cursor={first}&per_page=3&ordering={ordering}").json()["meta"]["cursor"]["next"]

    with CaptureQueriesContext(
        connection,
    ) as captured:
        client.get(f"/users?cursor={second}&per_page=3&ordering={ordering}")

    pages = [
        query["sql"] for query in captured.captured_queries if "ORDER BY" in query["sql"] and "LIMIT 4" in query["sql"]
    ]
    assert pages
    for sql in pages:
        plan = plan_of(sql)
        if connection.vendor == "sqlite":
            assert re.search(r"SEARCH accounts_user USING (INDEX|INTEGER PRIMARY KEY)", plan), plan
            assert "TEMP B-TREE" not in plan
        else:
            assert re.search(r"Index (Only )?Scan.* on accounts_user", plan), plan
            assert "Index Cond" in plan.partition("on accounts_user")[2].partition("->")[0], plan
            assert not re.search(r"(?<!Incremental )Sort  \(", plan), plan


def plan_of(sql):
    """How the database would run the query; on PostgreSQL as if the table were too large to read whole."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            return "\n".join(row[3] for row in cursor.fetchall())
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(row[0] for row in cursor.fetchall())
