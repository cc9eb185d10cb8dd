"""What roles let a regular user do to others of the own client, and that they let nobody grow."""

import pytest
from django.contrib.auth.models import Group

from accounts.grants import Grant
from accounts.models import User
from accounts.roles import DEFAULT
from accounts.services import roles, users
from accounts.services.roles import grants_of
from accounts.tests.rows import unchanged
from accounts.tests.user_services import GOOD
from usermgmt.errors import Fault, Forbidden, Invalid


@pytest.fixture
def acting(cast):
    """`acting(*grants)` is the owner, whose role allows these things."""

    def made(*grants):
        role = roles.create(actor=None, name="clerk", grants=[grant.value for grant in grants])
        cast.owner.groups.add(role)
        actor = User.objects.get(pk=cast.owner.pk)
        actor.grants = grants_of(actor)
        return actor

    return made


def give_default_role(*grants):
    """Let whoever has no role do these things."""
    role = Group.objects.get(name=DEFAULT)
    roles.update(actor=None, role_id=role.pk, grants=[grant.value for grant in grants])


def not_theirs(role):
    return (Fault("roles", "not_yours_to_give", {"role": role}),)


def test_a_role_that_allows_no_more_than_ones_own_may_be_given_and_taken(cast, acting):
    clerk = acting(Grant.EDIT)
    users.update(actor=clerk, user_id=cast.stranger.pk, roles=["clerk", "guest"])
    assert sorted(cast.stranger.groups.values_list("name", flat=True)) == ["clerk", "guest"]
    users.update(actor=clerk, user_id=cast.stranger.pk, roles=[])
    assert not cast.stranger.groups.exists()


def test_a_role_that_allows_more_is_not_given(cast, acting):
    clerk = acting(Grant.EDIT)
    roles.create(actor=None, name="boss", grants=[Grant.EDIT.value, Grant.DELETE.value])
    with unchanged(), pytest.raises(Invalid) as refusal:
        users.update(actor=clerk, user_id=cast.stranger.pk, roles=["boss", "guest"])
    assert refusal.value.faults == not_theirs("boss")


def test_by_taking_every_role_nobody_gives_the_default_one_where_it_allows_more(cast, acting):
    clerk = acting(Grant.EDIT)
    cast.stranger.groups.add(Group.objects.get(name="guest"))
    give_default_role(Grant.DELETE)
    with unchanged(), pytest.raises(Invalid) as refusal:
        users.update(actor=clerk, user_id=cast.stranger.pk, roles=[])
    assert refusal.value.faults == not_theirs("user")
    assert grants_of(cast.stranger) == frozenset()


def test_nor_does_whoever_makes_a_user_without_a_role(cast, acting):
    clerk = acting(Grant.CREATE)
    give_default_role(Grant.DELETE)
    with unchanged(), pytest.raises(Invalid) as refusal:
        users.create(actor=clerk, client_id=cast.acme.pk, name="Nina", email="nina@example.com", password=GOOD)
    assert refusal.value.faults == not_theirs("user")


def test_a_crowd_of_roles_that_are_none_is_refused_in_a_few_queries(cast, acting, django_assert_max_num_queries):
    clerk = acting(Grant.EDIT)
    crowd = [f"role-{number}" for number in range(100_000)]  # more than a statement has room for
    with django_assert_max_num_queries(15), pytest.raises(Invalid) as refusal:
        users.update(actor=clerk, user_id=cast.stranger.pk, roles=crowd)
    assert refusal.value.faults[0] == Fault("roles", "unknown_role", {"role": "role-0"})
    with django_assert_max_num_queries(15), pytest.raises(Invalid):
        users.create(
            actor=cast.administrator, client_id=cast.acme.pk, name="Nina", email="nina@example.com", roles=crowd
        )


def test_whoever_may_do_more_is_not_changed(cast, acting):
    clerk = acting(Grant.EDIT)
    boss = roles.create(actor=None, name="boss", grants=[Grant.EDIT.value, Grant.DELETE.value])
    cast.stranger.groups.add(boss)
    with unchanged(), pytest.raises(Forbidden):
        users.update(actor=clerk, user_id=cast.stranger.pk, password=GOOD)


@pytest.mark.parametrize("values", [{"name": "New"}, {"active": False, "name": "New"}, {"roles": ["guest"]}])
def test_whoever_may_activate_may_change_nothing_else(cast, acting, values):
    clerk = acting(Grant.SET_ACTIVE)
    with unchanged(), pytest.raises(Forbidden):
        users.update(actor=clerk, user_id=cast.stranger.pk, **values)
    assert users.update(actor=clerk, user_id=cast.stranger.pk, active=False).is_active is False


def test_whoever_may_edit_may_not_activate_nor_move(cast, acting):
    clerk = acting(Grant.EDIT)
    for values in ({"active": False}, {"client_id": cast.globex.pk}, {"client_id": None}):
        with unchanged(), pytest.raises(Forbidden):
            users.update(actor=clerk, user_id=cast.stranger.pk, **values)
    assert users.update(actor=clerk, user_id=cast.stranger.pk, name="New", active=True).name == "New"
