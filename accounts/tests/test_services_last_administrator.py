"""The last active administrator is not lost by any way (native contract 2)."""

import pytest

from accounts.models import Event, User
from accounts.services import users
from accounts.tests.rows import unchanged
from accounts.tests.user_services import GOOD, create, faults, update
from usermgmt.errors import BASE, Fault, Invalid


@pytest.fixture
def last(cast):
    users.delete(actor=None, user_id=cast.spare.pk)
    Event.objects.create(action="mark", target_kind="user")
    return cast.administrator


LAST = [Fault(BASE, "last_administrator")]


def test_the_last_administrator_is_not_lost_by_any_way(cast, last):
    with unchanged():
        assert faults(users.delete, actor=last, user_id=last.pk) == LAST
        assert faults(update, last, last, active=False) == LAST
        assert faults(update, last, last, client_id=cast.acme.pk) == LAST
        assert faults(update, last, None, client_id=cast.acme.pk, active=False) == LAST


def test_a_disabled_administrator_does_not_count(cast, last):
    disabled = create(active=False)
    with unchanged():
        assert faults(users.delete, actor=None, user_id=last.pk) == LAST
    users.delete(actor=None, user_id=disabled.pk)  # nor is it missed
    assert not User.objects.filter(pk=disabled.pk).exists()


def test_the_last_administrator_may_change_everything_else(last):
    assert (
        update(last, last, name="New", email="new@example.com", password=GOOD, active=True, client_id=None).version == 2
    )


def test_with_another_one_each_may_go(cast):
    update(cast.spare, cast.administrator, active=False)
    update(cast.spare, cast.administrator, active=True)
    users.delete(actor=cast.spare, user_id=cast.administrator.pk)
    assert list(User.objects.active_administrators()) == [cast.spare]


def test_the_last_administrator_keeps_a_password(cast):
    update(cast.spare, active=False)
    with pytest.raises(Invalid) as refusal:
        update(cast.administrator, password=None)
    assert refusal.value.faults == (Fault("base", "last_administrator"),)
    assert User.objects.get(pk=cast.administrator.pk).has_usable_password()
