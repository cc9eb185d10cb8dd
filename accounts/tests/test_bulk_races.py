"""What happens when lists of users arrive at once, and beside other writes."""

from collections import Counter

import pytest

from accounts.models import Event, User
from accounts.services import bulk
from accounts.services.bulk import Draft
from accounts.tests.callers import caller
from accounts.tests.test_races import administrators, at_once, posting, repeated
from clients.models import Client
from clients.tests.factories import ClientFactory
from usermgmt.errors import Fault

pytestmark = pytest.mark.django_db(transaction=True)

TAKEN = (Fault("email", "taken"),)


def drafts(numbers, **values):
    return [Draft(name=f"Person {n}", email=f"p{n}@example.org", **values) for n in numbers]


@repeated()
def test_of_lists_that_share_users_each_user_is_made_once_and_nothing_is_lost():
    """The lists run in opposite directions, so that PostgreSQL sees transactions that wait for each other."""
    forwards, backwards = range(40), range(39, -1, -1)
    lists = [forwards, backwards, range(20, 60), range(59, 19, -1)]
    outcomes = at_once(*(lambda numbers=numbers: bulk.create(actor=None, drafts=drafts(numbers)) for numbers in lists))
    flat = [outcome for made in outcomes for outcome in made]
    made = [outcome.user.email for outcome in flat if outcome.user is not None]
    assert len(made) == len(set(made)) == 60 == User.objects.count()
    assert all(tuple(outcome.faults) == TAKEN for outcome in flat if outcome.user is None)
    assert Event.objects.filter(action="user.created").count() == 60


@repeated()
def test_of_lists_that_are_all_or_nothing_and_share_a_user_one_is_made():
    lists = [[n * 10, 999, n * 10 + 1] for n in range(6)]
    outcomes = at_once(
        *(lambda numbers=numbers: bulk.create(actor=None, drafts=drafts(numbers), atomic=True) for numbers in lists)
    )
    winners = [made for made in outcomes if made[0].user is not None]
    assert len(winners) == 1
    assert all(tuple(made[1].faults) == TAKEN for made in outcomes if made is not winners[0])
    assert User.objects.count() == Event.objects.count() == 3


@repeated()
def test_addresses_that_make_one_user_name_get_one_each():
    lists = [[Draft(name="Nina", email=f"nina@{n}-{m}.example.org") for m in range(5)] for n in range(4)]
    outcomes = at_once(*(lambda sent=sent: bulk.create(actor=None, drafts=sent) for sent in lists))
    assert all(outcome.user is not None for made in outcomes for outcome in made)
    assert len(set(User.objects.values_list("username_canonical", flat=True))) == 20


@repeated()
def test_a_list_and_a_single_user_who_is_in_it():
    ada, sam = administrators()
    body = {"name": "Nina", "password": "securepassword", "password_confirmation": "securepassword"}
    many = [body | {"email": f"nina{n}@example.com"} for n in range(5)]
    single, listed = at_once(
        posting(caller(ada), "/users", body | {"email": "nina3@example.com"}),
        posting(caller(sam), "/users/bulk", {"users": many}),
    )
    statuses = [result["status"] for result in listed.json()["results"]]
    assert Counter([single.status_code, *statuses]) == {201: 5, 422: 1}
    assert User.objects.filter(name="Nina").count() == 5


@repeated(6)
def test_a_client_that_is_deleted_while_its_users_come():
    ada, _ = administrators()
    acme = ClientFactory()
    sent = [*drafts(range(3), client_id=acme.pk), *drafts([3])]
    made, removal = at_once(
        lambda: bulk.create(actor=None, drafts=sent), lambda: caller(ada).delete(f"/clients/{acme.pk}")
    )
    assert made[3].user is not None
    if removal.status_code == 204:
        assert [tuple(outcome.faults) for outcome in made[:3]] == [(Fault("client", "must_exist"),)] * 3
        assert not Client.objects.exists()
    else:
        assert removal.status_code == 422
        assert all(outcome.user is not None for outcome in made)
