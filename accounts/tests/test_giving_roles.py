"""Roles given to users, and taken from them."""

import pytest
from django.contrib.auth.models import Group, Permission

from accounts import grants, passwords, roles
from accounts.grants import Grant
from accounts.models import Event, User
from accounts.services import users
from accounts.services.roles import exceeding, grants_of
from accounts.tests.callers import api_token_of, bearing, is_signed_in, tokens_of
from accounts.tests.rows import everything, unchanged
from accounts.tests.user_services import GOOD, create, faults, update
from usermgmt.errors import Fault, Forbidden


def allow(role, *allowed):
    """Let a role do it."""
    group, _ = Group.objects.get_or_create(name=role)
    group.permissions.set(Permission.objects.filter(content_type__app_label="accounts", codename__in=allowed))
    return group


def of(user):
    return roles.of(User.objects.get(pk=user.pk))


def test_a_new_user_has_those_that_were_given(cast):
    user = create(client_id=cast.acme.pk, roles=["guest", "bot", "guest"])
    assert of(user) == ["bot", "guest"]
    assert Event.objects.get().changes["roles"] == [[], ["bot", "guest"]]


def test_without_any_it_has_the_default_one_and_nothing_is_told_of_that(cast):
    for email, given in (("one@example.com", []), ("two@example.com", ["user"])):
        assert of(create(client_id=cast.acme.pk, email=email, roles=given)) == ["user"]
    assert not [event for event in Event.objects.all() if "roles" in event.changes]


def test_an_administrator_is_admin_first(cast):
    assert of(create(roles=["guest"])) == ["admin", "guest"]
    assert of(cast.administrator) == ["admin"]


def test_an_unknown_one_is_refused(cast):
    with unchanged():
        told = [Fault("roles", "unknown_role", {"role": "Guest"}), Fault("roles", "unknown_role", {"role": "admin"})]
        assert faults(create, roles=["admin", "guest", "Guest"]) == told
        assert faults(update, cast.owner, roles=["admin", "guest", "Guest"]) == told


def test_any_number_of_unknown_ones_is_refused(cast, django_assert_max_num_queries):
    names = [f"role{n}" for n in range(100_000)] + ["x" * 100_000, "\0", "ⅩⅡ", "' or 1=1"]
    with unchanged(), django_assert_max_num_queries(40):
        assert len(faults(create, client_id=cast.acme.pk, roles=names)) == len(names)
        assert len(faults(update, cast.owner, roles=names)) == len(names)
        cast.owner.grants = {Grant.EDIT}
        assert len(faults(update, cast.stranger, actor=cast.owner, roles=names)) == len(names)


def test_those_that_are_given_replace_those_there_were(cast):
    update(cast.owner, roles=["guest", "bot"])
    update(cast.owner, roles=["guest"])
    assert of(cast.owner) == ["guest"]
    update(cast.owner, roles=[])
    assert of(cast.owner) == ["user"]
    told = [event.changes for event in Event.objects.order_by("pk")]
    assert told == [
        {"roles": [[], ["bot", "guest"]]},
        {"roles": [["bot", "guest"], ["guest"]]},
        {"roles": [["guest"], []]},
    ]


def test_a_change_of_them_ends_every_token(cast, call):
    tokens = tokens_of(cast.owner)
    _, text = api_token_of(cast.owner)
    update(cast.owner, roles=["guest"])
    assert not is_signed_in(call(), tokens.access)
    assert call().post("/auth/token/refresh", {"refresh": tokens.refresh}).status_code == 401
    assert bearing(text).get("/users/current").status_code == 401


@pytest.mark.parametrize(
    ("before", "after"),
    [([], []), ([], ["user"]), (["user"], []), (["bot", "guest"], ["guest", "bot"]), (["user"], ["user", "user"])],
    ids=str,
)
def test_the_same_ones_are_no_change_and_end_nothing(cast, call, before, after):
    cast.owner.groups.set(Group.objects.filter(name__in=before))
    tokens = tokens_of(cast.owner)
    with unchanged():
        update(cast.owner, roles=after)
    assert is_signed_in(call(), tokens.access)
    assert roles.given_to(cast.owner) == sorted(before)


def test_the_default_one_beside_another_is_one_of_two(cast):
    update(cast.owner, roles=["user", "guest"])
    update(cast.owner, roles=["guest"])
    assert of(cast.owner) == ["guest"]
    assert Event.objects.count() == 2


def test_they_stay_where_the_client_changes(cast):
    update(cast.owner, roles=["guest"])
    update(cast.owner, client_id=None)
    assert of(cast.owner) == ["admin", "guest"]


# What they allow


def test_a_regular_user_may_what_all_of_the_roles_allow(cast, django_assert_num_queries):
    allow("guest", Grant.EDIT, Grant.VIEW)
    allow("bot", Grant.VIEW, Grant.DELETE)
    allow("user", Grant.CREATE)
    update(cast.owner, roles=["guest", "bot"])
    with django_assert_num_queries(1):
        assert grants_of(cast.owner) == {Grant.EDIT, Grant.VIEW, Grant.DELETE}


def test_whoever_has_none_may_what_the_default_one_allows(cast):
    allow("user", Grant.CREATE)
    assert grants_of(cast.stranger) == {Grant.CREATE}
    update(cast.stranger, roles=["bot"])
    assert grants_of(cast.stranger) == frozenset()


def test_permissions_of_other_things_are_no_grants(cast):
    group = Group.objects.get(name="guest")
    group.permissions.set(Permission.objects.exclude(codename__in=[grant.value for grant in Grant]))
    update(cast.owner, roles=["guest"])
    assert grants_of(cast.owner) == frozenset()


def test_administrators_need_none(cast, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert grants_of(cast.administrator) == frozenset()
    assert all(grants.has(cast.administrator, grant) for grant in Grant)


def test_the_roles_that_allow_more_are_told(cast):
    allow("guest", Grant.EDIT)
    allow("bot", Grant.EDIT, Grant.DELETE)
    assert exceeding(["user", "guest", "bot"], [Grant.EDIT]) == ["bot"]
    assert exceeding(["user", "guest", "bot"], []) == ["bot", "guest"]
    assert exceeding(["nope"], []) == []


# Who gives them


def test_nobody_gives_roles_to_oneself(cast):
    allow("guest", Grant.EDIT)
    with unchanged():
        for granted in ((), (Grant.EDIT,), tuple(Grant)):
            cast.owner.grants = frozenset(granted)
            with pytest.raises(Forbidden):
                update(cast.owner, actor=cast.owner, roles=["guest"])


def test_sending_ones_own_back_is_fine(cast):
    before = everything()
    for sent in ([], ["user"]):
        users.update(actor=cast.owner, user_id=cast.owner.pk, roles=sent)
    assert everything() == before


def test_administrators_give_any(cast):
    allow("guest", *Grant)
    update(cast.owner, actor=cast.administrator, roles=["guest"])
    user = create(actor=cast.administrator, client_id=cast.acme.pk, roles=["guest"])
    assert of(cast.owner) == of(user) == ["guest"]


def test_nobody_gives_one_that_allows_more_than_the_own_ones_do(cast):
    allow("guest", Grant.EDIT, Grant.CREATE)
    allow("bot", Grant.EDIT, Grant.DELETE)
    cast.owner.grants = {Grant.EDIT, Grant.CREATE}
    told = [Fault("roles", "not_yours_to_give", {"role": "bot"})]
    with unchanged():
        assert faults(create, actor=cast.owner, client_id=cast.acme.pk, roles=["guest", "bot"]) == told
        assert faults(update, cast.stranger, actor=cast.owner, roles=["guest", "bot"]) == told
    update(cast.stranger, actor=cast.owner, roles=["guest"])
    user = create(actor=cast.owner, client_id=cast.acme.pk, roles=["guest"])
    assert of(cast.stranger) == of(user) == ["guest"]


def test_the_default_one_too_is_given_by_giving_none(cast):
    """Whoever sets a password can sign in by it, and has what the default role allows."""
    allow("user", Grant.DELETE)
    cast.owner.grants = {Grant.EDIT, Grant.CREATE}
    User.objects.get(pk=cast.stranger.pk).groups.add(Group.objects.get(name="guest"))
    told = [Fault("roles", "not_yours_to_give", {"role": "user"})]
    with unchanged():
        assert faults(create, actor=cast.owner, client_id=cast.acme.pk) == told
        assert faults(update, cast.stranger, actor=cast.owner, roles=[]) == told
    assert of(create(actor=cast.owner, client_id=cast.acme.pk, roles=["guest"])) == ["guest"]


def test_one_that_is_taken_may_have_allowed_as_much(cast):
    allow("guest", Grant.EDIT)
    update(cast.stranger, roles=["guest", "bot"])
    cast.owner.grants = {Grant.EDIT}
    update(cast.stranger, actor=cast.owner, roles=["bot"])
    assert of(cast.stranger) == ["bot"]


@pytest.mark.parametrize("creates", [True, False])
def test_one_that_is_deleted_since_the_check_is_not_passed_over(cast, monkeypatch, creates):
    """Without it the user would have the default one, which may allow more."""
    clerk, hashed = allow("clerk"), passwords.hashed
    monkeypatch.setattr(passwords, "hashed", lambda text: clerk.delete() and hashed(text))
    wanted = {"roles": ["clerk", "bot"], "password": GOOD}
    with unchanged():
        told = faults(create, client_id=cast.acme.pk, **wanted) if creates else faults(update, cast.owner, **wanted)
    assert told == [Fault("roles", "unknown_role", {"role": "clerk"})]
