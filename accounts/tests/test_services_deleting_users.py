"""Deleting users and signing them out; every write is one transaction with its audit row."""

from datetime import timedelta

import pytest

from accounts.models import Event, SignIn, User
from accounts.services import sign_ins, users
from accounts.tests.callers import tokens_of
from accounts.tests.rows import unchanged
from accounts.tests.user_services import GOOD, create, stored, update
from usermgmt import audit
from usermgmt.errors import Invalid, InvalidToken, NotFound, Stale


def test_a_deleted_user_is_gone_with_all_sign_ins_and_the_audit_trail_stays(cast):
    update(cast.owner, name="New")
    tokens = tokens_of(cast.owner)
    users.delete(actor=cast.administrator, user_id=cast.owner.pk)
    assert not User.objects.filter(pk=cast.owner.pk).exists()
    assert SignIn.objects.count() == 0
    with pytest.raises(InvalidToken):
        sign_ins.verify(token=tokens.access)
    deleted, updated = Event.objects.about("user", cast.owner.pk)
    assert (deleted.action, deleted.actor_id, updated.action) == ("user.deleted", cast.administrator.pk, "user.updated")
    assert deleted.changes == {
        "name": ["New", None],
        "email": ["olga@example.com", None],
        "username": ["olga", None],
        "client_id": [cast.acme.pk, None],
        "active": [True, None],
    }


def test_an_e_mail_of_a_deleted_user_is_free_again(cast):
    users.delete(actor=None, user_id=cast.owner.pk)
    assert create(email="olga@example.com").username == "olga"


def test_signing_out_ends_every_sign_in_and_leaves_the_version(cast):
    first, second, other = tokens_of(cast.owner), tokens_of(cast.owner), tokens_of(cast.stranger)
    users.sign_out(actor=cast.administrator, user_id=cast.owner.pk)
    for token in (first.access, first.refresh, second.access, second.refresh):
        with pytest.raises(InvalidToken):
            sign_ins.verify(token=token)
    sign_ins.verify(token=other.access)
    assert stored(cast.owner, "token_version", "version") == (2, 1)
    assert all(SignIn.objects.filter(user=cast.owner).values_list("ended_at", flat=True))
    event = Event.objects.get()
    assert (event.action, event.actor_id, event.target_id) == ("user.signed_out", cast.administrator.pk, cast.owner.pk)


def test_signing_out_leaves_when_earlier_sign_ins_ended(cast):
    tokens_of(cast.owner)
    SignIn.objects.update(ended_at=cast.owner.created_at - timedelta(days=1))
    users.sign_out(actor=None, user_id=cast.owner.pk)
    assert SignIn.objects.get().ended_at == cast.owner.created_at - timedelta(days=1)


@pytest.mark.parametrize("user_id", [0, -1, 999_999, 2**63 - 1, 10**30])
def test_who_is_not_there_is_not_found_and_nothing_is_told(db, user_id):
    with unchanged():
        for service in (users.update, users.delete, users.sign_out):
            with pytest.raises(NotFound) as refusal:
                service(actor=None, user_id=user_id)
            assert refusal.value.kind == "user"


# One transaction


@pytest.fixture
def no_audit(cast):
    """The audit trail can't be written."""

    def failing(entries):
        raise RuntimeError("no room for the audit trail")

    (writer,) = audit._writers
    audit.keep_with(failing)
    yield
    audit.keep_with(writer)


@pytest.mark.parametrize(
    "work",
    [
        lambda cast: create(password=GOOD),
        lambda cast: create(username="own.name"),
        lambda cast: update(cast.owner, name="New", password=GOOD),
        lambda cast: users.delete(actor=None, user_id=cast.owner.pk),
        lambda cast: users.sign_out(actor=None, user_id=cast.owner.pk),
    ],
)
def test_without_its_audit_row_nothing_is_written(cast, no_audit, work):
    tokens_of(cast.owner)
    with unchanged(), pytest.raises(RuntimeError, match="no room"):
        work(cast)


def test_a_refused_change_leaves_no_row_of_the_success_kind(cast):
    for work in (
        lambda: create(name=""),
        lambda: update(cast.owner, email=""),
        lambda: update(cast.owner, versions={9}),
    ):
        with pytest.raises((Invalid, Stale)):
            work()
    assert Event.objects.count() == 0
