"""Many users at once, under the rules of one."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Event, User
from accounts.services import bulk, users
from accounts.services.bulk import Draft
from usermgmt.errors import Fault, Invalid


def draft(number=1, **values):
    return Draft(**{"name": f"Person {number}", "email": f"p{number}@example.org", "client_id": None} | values)


def test_they_are_made_as_one_by_one_would_be(cast):
    made = bulk.insert(actor=cast.administrator, drafts=[draft(1, client_id=cast.acme.pk, active=False), draft(2)])
    one = users.create(actor=cast.administrator, client_id=None, name="Person 3", email="p3@example.org")
    first, second, third = User.objects.filter(pk__in=[*(user.pk for user in made), one.pk]).order_by("id")
    assert (first.client, first.is_superuser, first.is_active, first.username) == (cast.acme, False, False, "p1")
    assert (second.client, second.is_superuser, second.search_text) == (None, True, "person 2\np2@example.org\np2")
    assert third.search_text == "person 3\np3@example.org\np3"
    told = Event.objects.filter(action="user.created").order_by("id")
    assert [event.target_id for event in told] == [first.pk, second.pk, third.pk]
    assert told[1].changes.keys() == told[2].changes.keys()
    assert {event.actor_id for event in told} == {cast.administrator.pk}


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"name": ""}, Fault("name", "blank")),
        ({"given_name": "x\n"}, Fault("given_name", "invalid")),
        ({"email": "no address"}, Fault("email", "invalid")),
        ({"email": "OLGA@example.com"}, Fault("email", "taken")),
        ({"email": "P1@EXAMPLE.org"}, Fault("email", "taken")),  # twice in one batch
        ({"client_id": 999_999}, Fault("client", "must_exist")),
    ],
)
def test_one_bad_draft_refuses_all(cast, values, fault):
    before = User.objects.count()
    with pytest.raises(Invalid) as refusal:
        bulk.insert(actor=None, drafts=[draft(1), draft(2, **values)])
    assert refusal.value.faults == (fault,)
    assert (User.objects.count(), Event.objects.count()) == (before, 0)


def test_user_names_are_distinct_within_a_batch_and_beside_what_is_there(cast):
    drafts = [draft(n, email=f"Olga@{n}.example.org") for n in range(3)]
    names = [user.username for user in bulk.insert(actor=None, drafts=drafts)]
    assert len({name.lower() for name in [*names, "olga"]}) == 4
    assert all(re.fullmatch("Olga-[0-9a-f]{8}", name) for name in names)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite always looks in the index")
def test_who_is_there_is_found_by_the_indexes_however_many_are_asked_for(cast):
    def drafts(start):
        return [draft(n, external_id=f"x{n}", client_id=cast.acme.pk) for n in range(start, start + 1000)]

    bulk.insert(actor=None, drafts=drafts(0))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_user")
        with CaptureQueriesContext(connection) as asked:
            assert bulk.owners(drafts(0)) != bulk.owners(drafts(1000)) == [[]] * 1000
        looked_up = [query["sql"] for query in asked if "LATERAL" in query["sql"]]
        for statement in looked_up:
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert ("Seq Scan" in plan, "Index" in plan) == (False, True), plan
    assert len(looked_up) == 4  # by address and by external id, twice


def test_a_thousand_cost_a_few_queries(db, django_assert_max_num_queries):
    most = 11 if connection.vendor == "postgresql" else 49  # Django gives SQLite 999 values at a time
    with django_assert_max_num_queries(most):
        made = bulk.insert(actor=None, drafts=[draft(n) for n in range(1000)])
    assert len(made) == User.objects.count() == Event.objects.count() == 1000
