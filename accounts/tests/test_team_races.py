"""Roles, teams and custom fields when requests arrive at once; see `test_races`."""

from collections import Counter
from functools import partial

import pytest
from django.contrib.auth.models import Group

from accounts.models import CustomField, Event, Membership, Team
from accounts.services import custom_fields, roles, teams, users
from accounts.tests.factories import UserFactory
from accounts.tests.test_races import CROWD, administrators, at_once, repeated
from clients.tests.factories import ClientFactory
from usermgmt.errors import Invalid, NotFound

pytestmark = pytest.mark.django_db(transaction=True)


def outcome(call, **values):
    """What came of a call: nothing wrong, or the first code."""
    try:
        call(**values)
    except Invalid as refusal:
        return refusal.faults[0].code
    except NotFound as refusal:
        return refusal.code
    return "done"


@repeated()
def test_of_twelve_who_make_one_team_one_does():
    ada, sam = administrators()
    client = ClientFactory()
    make = partial(outcome, teams.create, client_id=client.pk)
    calls = [partial(make, actor=(ada, sam)[n % 2], name=("Sales", "SALES", "sales")[n % 3]) for n in range(CROWD)]
    assert Counter(at_once(*calls)) == {"done": 1, "taken": CROWD - 1}
    assert Team.objects.count() == Event.objects.filter(action="team.created").count() == 1


@repeated()
def test_of_twelve_who_make_one_role_one_does():
    Group.objects.filter(name__istartswith="sales").delete()
    calls = [partial(outcome, roles.create, actor=None, name=("Sales", "SALES", "sales")[n % 3]) for n in range(CROWD)]
    assert Counter(at_once(*calls)) == {"done": 1, "taken": CROWD - 1}
    assert Group.objects.filter(name__iexact="sales").count() == 1
    assert Event.objects.filter(action="role.created").count() == 1


@repeated()
def test_of_twelve_who_define_one_field_one_does():
    CustomField.objects.all().delete()
    calls = [partial(outcome, custom_fields.create, actor=None, name="badge") for _ in range(CROWD)]
    assert Counter(at_once(*calls)) == {"done": 1, "taken": CROWD - 1}
    assert Event.objects.filter(action="custom_field.created").count() == 1


@repeated()
def test_a_user_who_moves_and_joins_at_once_is_in_no_team_of_the_former_client():
    administrators()
    user, abroad = UserFactory(), ClientFactory()
    team = teams.create(actor=None, client_id=user.client_id, name="Sales")
    joining = partial(outcome, teams.add_member, actor=None, team_id=team.pk, user_id=user.pk)
    putting = partial(outcome, users.update, actor=None, user_id=user.pk, teams=[team.pk])
    moving = partial(outcome, users.update, actor=None, user_id=user.pk, client_id=abroad.pk)
    results = at_once(*[joining] * 4, *[putting] * 4, moving)
    assert results[-1] == "done"
    assert set(results) <= {"done", "not_of_client", "team_of_other_client"}
    assert not Membership.objects.exists()


@repeated()
def test_a_team_deleted_while_many_join_leaves_nobody_in_it():
    administrators()
    crowd = UserFactory.create_batch(6, client=ClientFactory())
    team = teams.create(actor=None, client_id=crowd[0].client_id, name="Sales")
    joining = [partial(outcome, teams.add_member, actor=None, team_id=team.pk, user_id=user.pk) for user in crowd]
    results = at_once(*joining, partial(outcome, teams.delete, actor=None, team_id=team.pk))
    assert results[-1] == "done"
    assert set(results) <= {"done", "must_exist", "not_found"}
    assert not Membership.objects.exists() and not Team.objects.exists()


@repeated()
def test_one_user_who_joins_twelve_times_at_once_has_joined_once():
    user = UserFactory()
    team = teams.create(actor=None, client_id=user.client_id, name="Sales")
    joining = partial(teams.add_member, actor=None, team_id=team.pk, user_id=user.pk)
    assert Counter(at_once(*[joining] * CROWD)) == {True: 1, False: CROWD - 1}
    assert Membership.objects.count() == Event.objects.filter(action="team.joined").count() == 1
