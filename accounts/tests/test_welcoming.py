"""Mails that tell a user of the account."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import transaction

from accounts.models import Mail
from accounts.services import delivery, users
from accounts.services.delivery import Outcome
from accounts.tests.post import arrived, the_letter
from accounts.tests.user_services import GOOD, create, update
from usermgmt.errors import Invalid

START = datetime(2026, 5, 1, 10, tzinfo=UTC)


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def test_a_new_user_is_welcomed_and_told_no_password(cast):
    create(client_id=cast.acme.pk, password=GOOD, welcome=True)
    letter = the_letter()
    assert (letter.to, letter.subject) == (["nina@example.com"], "Your account at User Directory")
    assert GOOD not in str(letter.message())
    assert Mail.objects.get().state == Mail.State.SENT


def test_nobody_is_welcomed_unless_that_was_asked_for(cast):
    create(client_id=cast.acme.pk, password=GOOD)
    update(cast.owner, name="Olga New")
    assert arrived() == []


def test_who_is_there_already_may_be_welcomed_too(cast):
    update(cast.owner, welcome=True)
    assert the_letter().to == ["olga@example.com"]


def test_a_changed_address_is_welcomed_at_the_new_one(cast):
    update(cast.owner, email="new@example.com", email_verified=True, welcome=True)
    assert [letter.to for letter in arrived() if "Your account" in letter.subject] == [["new@example.com"]]


def test_a_refused_user_is_not_welcomed(cast):
    with pytest.raises(Invalid):
        create(client_id=cast.acme.pk, password="short", welcome=True)
    with pytest.raises(RuntimeError), transaction.atomic():
        create(client_id=cast.acme.pk, welcome=True)
        raise RuntimeError
    assert not Mail.objects.exists()


def test_whoever_may_not_sign_in_when_it_is_sent_is_not_welcomed(cast):
    create(client_id=cast.acme.pk, active=False, welcome=True)
    assert list(delivery.deliver()) == [Outcome.DROPPED]
    assert not Mail.objects.exists()


def test_who_is_activated_before_it_is_sent_is_welcomed(cast):
    user = create(client_id=cast.acme.pk, active=False, welcome=True)
    update(user, active=True)
    assert the_letter().to == ["nina@example.com"]


@pytest.mark.parametrize("change", [{"active": False}, {"email": "other@example.com", "email_verified": True}], ids=str)
def test_what_is_no_longer_so_is_not_told(cast, change):
    user = create(client_id=cast.acme.pk, welcome=True)
    update(user, **change)
    assert [letter for letter in arrived() if "Your account" in letter.subject] == []


def test_an_account_does_not_serve_to_pester_others(cast, clock, settings):
    settings.MAILS_PER_HOUR = 2
    for _ in range(4):
        update(cast.owner, welcome=True)
    update(cast.stranger, welcome=True)
    assert [letter.to for letter in arrived()] == [["olga@example.com"]] * 2 + [["stan@example.com"]]
    clock.shift(timedelta(hours=1, seconds=1))
    update(cast.owner, welcome=True)
    assert the_letter().to == ["olga@example.com"]


def test_an_update_that_welcomes_and_changes_nothing_is_no_change(cast):
    version = cast.owner.version
    assert users.update(actor=None, user_id=cast.owner.pk, welcome=True).version == version
