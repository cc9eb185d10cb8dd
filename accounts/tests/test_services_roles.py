"""The services of roles themselves: names, what they allow, the audit rows, and who may write them."""

from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts import roles as names
from accounts.models import Event, User
from accounts.services import roles, users
from usermgmt.errors import Fault, Forbidden, Invalid, NotFound

TAKEN = [("name", "taken")]
BUILT_IN = ["user", "guest", "bot"]


def faults(call, **values):
    with pytest.raises(Invalid) as refused:
        call(**values)
    return [(fault.field, fault.code) for fault in refused.value.faults]


def latest(role):
    return Event.objects.about("role", role.pk)[0]


def built_in(name):
    return Group.objects.get(name=name)


@pytest.fixture
def manager(db):
    return roles.create(actor=None, name="livechat-manager", grants=["create-user"])


def test_a_role_is_made_and_told(cast):
    role = roles.create(actor=cast.administrator, name="Team.lead_1", grants=["delete-user", "create-user"])
    assert role.name == "Team.lead_1"
    assert roles.granted_by(["Team.lead_1"]) == {"create-user", "delete-user"}
    event = latest(role)
    assert (event.action, event.actor_id) == ("role.created", cast.administrator.pk)
    assert event.changes == {"name": [None, "Team.lead_1"], "grants": [None, ["create-user", "delete-user"]]}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "blank"),
        (" ", "invalid"),
        ("a b", "invalid"),
        ("ä", "invalid"),
        ("ſ", "invalid"),
        ("a\n", "invalid"),
        ("a\0", "invalid"),
        ("n" * 151, "too_long"),
        ("n" * 1_000_000, "too_long"),
        ("admin", "taken"),
        ("Admin", "taken"),
        ("ADMIN", "taken"),
        ("Bot", "taken"),
        ("LIVECHAT-manager", "taken"),
    ],
)
def test_a_name_has_a_form_and_is_nobody_elses(manager, name, code):
    assert faults(roles.create, actor=None, name=name) == [("name", code)]
    other = roles.create(actor=None, name="other")
    assert faults(roles.update, actor=None, role_id=other.pk, name=name) == [("name", code)]
    assert set(Group.objects.values_list("name", flat=True)) == {*BUILT_IN, "livechat-manager", "other"}


def test_a_role_may_change_the_case_of_its_own_name(manager):
    assert roles.update(actor=None, role_id=manager.pk, name="Livechat-Manager").name == "Livechat-Manager"
    assert latest(manager).changes == {"name": ["livechat-manager", "Livechat-Manager"]}


def test_a_race_for_a_name_ends_in_the_same_error(manager, monkeypatch):
    other = roles.create(actor=None, name="other")
    monkeypatch.setattr(roles, "_faults_of_name", lambda *args: [])  # as if it was free when it was looked up
    assert faults(roles.create, actor=None, name="livechat-manager") == TAKEN
    assert faults(roles.update, actor=None, role_id=other.pk, name="livechat-manager") == TAKEN
    assert Event.objects.filter(action="role.updated").count() == 0


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_is_built_in_is_never_renamed_or_deleted(db, name):
    role = built_in(name)
    assert faults(roles.update, actor=None, role_id=role.pk, name="else") == [("name", "built_in_role")]
    assert faults(roles.update, actor=None, role_id=role.pk, name=name.upper()) == [("name", "built_in_role")]
    assert faults(roles.delete, actor=None, role_id=role.pk) == [("base", "built_in_role")]
    assert built_in(name) == role
    assert not Event.objects.about("role", role.pk).exists()


def test_what_a_built_in_role_allows_may_change(cast):
    roles.update(actor=cast.administrator, role_id=built_in("bot").pk, name="bot", grants=["api-bypass-rate-limit"])
    assert latest(built_in("bot")).changes == {"grants": [[], ["api-bypass-rate-limit"]]}


def test_what_nobody_knows_is_not_granted(manager):
    for grants in (["accounts.add_user"], ["add_user"], ["create-user", "\0"]):
        assert faults(roles.create, actor=None, name="x", grants=grants) == [("grants", "unknown_choice")]
        assert faults(roles.update, actor=None, role_id=manager.pk, grants=grants) == [("grants", "unknown_choice")]
    assert roles.granted_by(["livechat-manager"]) == {"create-user"}


def test_all_faults_are_told_at_once(db):
    reported = [Fault("grants", "invalid")]
    told = faults(roles.create, actor=None, name="", grants=["x"], reported=reported)
    assert told == [("grants", "invalid"), ("name", "blank")]


def test_only_what_changed_is_written_and_told(manager):
    roles.update(actor=None, role_id=manager.pk, name="livechat-manager", grants=["create-user", "create-user"])
    assert Event.objects.about("role", manager.pk).count() == 1
    roles.update(actor=None, role_id=manager.pk, grants=[])
    assert latest(manager).changes == {"grants": [["create-user"], []]}
    roles.update(actor=None, role_id=manager.pk)
    assert Event.objects.about("role", manager.pk).count() == 2


def test_who_had_a_deleted_role_has_it_no_more(cast, manager):
    users.update(actor=None, user_id=cast.owner.pk, roles=["livechat-manager"])
    roles.delete(actor=cast.administrator, role_id=manager.pk)
    assert latest(manager).changes == {"name": ["livechat-manager", None]}
    assert names.of(User.objects.get(pk=cast.owner.pk)) == ["user"]
    with pytest.raises(NotFound):
        roles.delete(actor=None, role_id=manager.pk)
    with pytest.raises(NotFound):
        roles.update(actor=None, role_id=manager.pk, name="x")


def test_only_administrators_that_no_token_binds_write_them(cast, manager):
    cast.spare.scope_id = cast.acme.pk
    for actor in (cast.owner, cast.spare):
        calls: list[partial[Any]] = [
            partial(roles.create, name="x"),
            partial(roles.update, role_id=manager.pk, grants=["delete-user"]),
            partial(roles.delete, role_id=manager.pk),
        ]
        for call in calls:
            with pytest.raises(Forbidden):
                call(actor=actor)
    assert roles.granted_by(["livechat-manager"]) == {"create-user"}
    assert Group.objects.count() == 4
