"""Signing in, staying signed in, signing out (native contract 1)."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError
from django.utils import timezone

from accounts import hashers, passwords
from accounts.models import Event, SignIn, SignInAddress, User
from accounts.services import events, sign_ins, users
from accounts.tests.callers import tokens_of
from accounts.tests.factories import PASSWORD
from accounts.tokens import AccessToken, RefreshToken
from usermgmt import audit
from usermgmt.errors import InvalidCredentials, InvalidToken


def told():
    return list(Event.objects.order_by("id").values_list("action", "actor_id", "target_id"))


def dead(*tokens):
    for token in tokens:
        with pytest.raises(InvalidToken):
            sign_ins.verify(token=token)
    return True


# Signing in


@pytest.mark.parametrize("email", ["olga@example.com", " OLGA@Example.com ", "ｏｌｇａ@example.com"])
def test_an_address_in_any_spelling_and_its_password_open_a_sign_in(cast, email):
    with time_machine.travel(timezone.now().replace(microsecond=0), tick=False):
        now = timezone.now()
        user, tokens = sign_ins.sign_in(email=email, password=PASSWORD)
    assert user == cast.owner
    opened = SignIn.objects.get()
    refresh = RefreshToken.read(tokens.refresh)
    assert (opened.user, opened.jti, opened.ended_at) == (cast.owner, refresh["jti"], None)
    assert (opened.created_at, opened.expires_at) == (now, now + timedelta(days=14))
    assert User.objects.get(pk=user.pk).last_login == user.last_login == now
    access = AccessToken.read(tokens.access)
    assert (access.user_id, access["sid"], access["ver"]) == (user.pk, opened.pk, 1)
    assert told() == [("sign_in.succeeded", user.pk, user.pk)]


def test_a_sign_in_is_no_change_of_the_user(cast):
    sign_ins.sign_in(email="olga@example.com", password=PASSWORD)
    after = User.objects.get(pk=cast.owner.pk)
    assert (after.version, after.updated_at, after.password) == (1, cast.owner.updated_at, cast.owner.password)


def test_of_a_refresh_token_only_the_jti_is_stored(cast):
    _, tokens = sign_ins.sign_in(email="olga@example.com", password=PASSWORD)
    row = str(SignIn.objects.values().get()) + str(list(Event.objects.values()))
    assert tokens.refresh not in row and tokens.refresh.rpartition(".")[2] not in row and tokens.access not in row


def test_a_pair_of_tokens_does_not_show_itself(cast):
    tokens = tokens_of(cast.owner)
    assert repr(tokens) == str(tokens) == "Tokens(...)"


@pytest.mark.parametrize(
    ("email", "password", "target"),
    [
        ("olga@example.com", "wrong password", "owner"),
        ("olga@example.com", "", "owner"),
        ("olga@example.com", PASSWORD.upper(), "owner"),
        ("olga@example.com", f" {PASSWORD}", "owner"),
        ("olga@example.com", "x" * 1000, "owner"),
        ("dora@example.com", PASSWORD, "disabled"),
        ("nobody@example.com", PASSWORD, None),
        ("", PASSWORD, None),
        ("olga", PASSWORD, None),
        ("%@example.com", PASSWORD, None),
    ],
)
def test_every_failure_is_the_same_and_is_told_to_the_audit_trail(cast, email, password, target):
    with pytest.raises(InvalidCredentials) as refusal:
        sign_ins.sign_in(email=email, password=password)
    assert str(refusal.value) == ""
    assert told() == [("sign_in.failed", None, getattr(cast, target).pk if target else None)]
    assert SignIn.objects.count() == 0
    assert not User.objects.exclude(last_login=None).exists()


def test_every_failure_costs_one_hash(cast, monkeypatch):
    users.update(actor=None, user_id=cast.stranger.pk, password=None)
    worked = []
    for method in ("encode", "verify"):
        original = getattr(hashers.Argon2idHasher, method)
        monkeypatch.setattr(
            hashers.Argon2idHasher,
            method,
            lambda self, password, *rest, original=original: worked.append(1) or original(self, password, *rest),
        )
    for email, password in (
        ("olga@example.com", "wrong password"),
        ("dora@example.com", PASSWORD),
        ("dora@example.com", "wrong password"),
        ("stan@example.com", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("", ""),
    ):
        with pytest.raises(InvalidCredentials):
            sign_ins.sign_in(email=email, password=password)
        assert len(worked) == 1
        worked.clear()


def test_whoever_is_deleted_after_the_password_was_right_is_not_signed_in(cast, monkeypatch):
    original = sign_ins.note_sign_in

    def deleted_meanwhile(user, *told):
        users.delete(actor=None, user_id=user.pk)
        original(user, *told)

    monkeypatch.setattr(sign_ins, "note_sign_in", deleted_meanwhile)
    with pytest.raises(InvalidCredentials):
        sign_ins.sign_in(email="olga@example.com", password=PASSWORD)
    assert SignIn.objects.count() == 0


@pytest.mark.parametrize("values", [{"active": False}, {"password": "a password nobody has"}])
def test_whoever_is_changed_after_the_password_was_right_gets_tokens_that_are_dead(cast, monkeypatch, values):
    original = sign_ins.note_sign_in

    def changed_meanwhile(user, *told):
        users.update(actor=None, user_id=user.pk, **values)
        original(user, *told)

    monkeypatch.setattr(sign_ins, "note_sign_in", changed_meanwhile)
    _, tokens = sign_ins.sign_in(email="olga@example.com", password=PASSWORD)
    assert dead(tokens.access, tokens.refresh)


def test_a_hash_of_yesterdays_costs_is_renewed(cast, settings):
    settings.ARGON2_PASSES = 2
    sign_ins.sign_in(email="olga@example.com", password=PASSWORD)
    after = User.objects.get(pk=cast.owner.pk)
    assert "t=2" in after.password
    assert passwords.verified(PASSWORD, after.password)
    assert (after.version, after.token_version) == (1, 1)


# Staying signed in


def test_a_refresh_token_is_good_for_one_new_pair(cast):
    old = tokens_of(cast.owner)
    new = sign_ins.refresh(refresh=old.refresh)
    sign_ins.verify(token=new.access)
    sign_ins.verify(token=new.refresh)
    sign_ins.verify(token=old.access)  # of the same sign-in, until it expires
    assert dead(old.refresh)
    assert SignIn.objects.get().jti == RefreshToken.read(new.refresh)["jti"]


def test_each_new_pair_lives_its_whole_life(cast):
    with time_machine.travel(timezone.now().replace(microsecond=0), tick=False) as clock:
        tokens = tokens_of(cast.owner)
        clock.shift(timedelta(days=13))
        tokens = sign_ins.refresh(refresh=tokens.refresh)
        assert SignIn.objects.get().expires_at == timezone.now() + timedelta(days=14)
        clock.shift(timedelta(days=13))
        tokens = sign_ins.refresh(refresh=tokens.refresh)
        clock.shift(timedelta(days=14))
        with pytest.raises(InvalidToken):
            sign_ins.refresh(refresh=tokens.refresh)


def test_a_token_that_was_used_before_ends_its_sign_in_and_no_other(cast):
    old, other = tokens_of(cast.owner), tokens_of(cast.owner)
    new = sign_ins.refresh(refresh=old.refresh)
    with pytest.raises(InvalidToken):
        sign_ins.refresh(refresh=old.refresh)
    assert dead(new.access, new.refresh, old.access)
    sign_ins.verify(token=other.access)
    assert told() == [("sign_in.token_reused", None, cast.owner.pk)]
    with pytest.raises(InvalidToken):
        sign_ins.refresh(refresh=new.refresh)
    assert len(told()) == 1  # it ended once


@pytest.mark.parametrize(
    "work",
    [
        lambda cast: users.update(actor=None, user_id=cast.owner.pk, active=False),
        lambda cast: users.update(actor=None, user_id=cast.owner.pk, password="a password nobody has"),
        lambda cast: users.delete(actor=None, user_id=cast.owner.pk),
        lambda cast: users.sign_out(actor=None, user_id=cast.owner.pk),
    ],
)
def test_what_ends_every_token_ends_refreshing_and_revoking(cast, work):
    tokens = tokens_of(cast.owner)
    work(cast)
    for service in (sign_ins.refresh, sign_ins.revoke):
        with pytest.raises(InvalidToken):
            service(refresh=tokens.refresh)
    assert dead(tokens.access, tokens.refresh)


def test_a_token_of_one_sign_in_does_not_serve_another(cast):
    """The sign-in, the user and the jti must be of one row."""
    tokens_of(cast.owner)
    opened = SignIn.objects.get()
    forged = RefreshToken()
    forged.bind(user_id=cast.stranger.pk, sign_in_id=opened.pk, version=1)
    with pytest.raises(InvalidToken):
        sign_ins.refresh(refresh=str(forged))
    access = AccessToken()
    access.bind(user_id=cast.stranger.pk, sign_in_id=opened.pk, version=1)
    assert dead(str(access))
    assert SignIn.objects.get().ended_at is None


# Signing out


def test_revoking_ends_the_sign_in_with_its_access_tokens_and_no_other(cast):
    tokens, other = tokens_of(cast.owner), tokens_of(cast.owner)
    sign_ins.revoke(refresh=tokens.refresh)
    assert dead(tokens.access, tokens.refresh)
    sign_ins.verify(token=other.access)
    assert told() == [("sign_in.revoked", cast.owner.pk, cast.owner.pk)]
    with pytest.raises(InvalidToken):
        sign_ins.revoke(refresh=tokens.refresh)
    assert len(told()) == 1


# Verifying


def test_the_user_of_a_token_comes_with_the_client_in_one_query(cast, django_assert_num_queries):
    token = AccessToken.read(tokens_of(cast.owner).access)
    with django_assert_num_queries(1):
        assert sign_ins.user_of(token).client == cast.acme


# Keeping


def test_sign_ins_past_their_last_token_are_forgotten(cast):
    tokens_of(cast.owner)
    tokens_of(cast.stranger)
    SignIn.objects.filter(user=cast.owner).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert sign_ins.forget_expired() == 1
    assert SignIn.objects.get().user == cast.stranger
    assert sign_ins.forget_expired() == 0


@pytest.mark.parametrize("service", ["refresh", "reuse", "revoke"])
def test_without_its_audit_row_nothing_is_written(cast, monkeypatch, service):
    tokens = tokens_of(cast.owner)
    if service == "reuse":
        sign_ins.refresh(refresh=tokens.refresh)
    before = list(SignIn.objects.values())

    def failing(entries):
        raise RuntimeError("no room for the audit trail")

    monkeypatch.setattr(audit, "_writers", [failing])
    work = {
        "refresh": lambda: sign_ins.refresh(refresh="x"),
        "reuse": lambda: sign_ins.refresh(refresh=tokens.refresh),
        "revoke": lambda: sign_ins.revoke(refresh=tokens.refresh),
    }
    with pytest.raises((RuntimeError, InvalidToken)):
        work[service]()
    assert list(SignIn.objects.values()) == before
    assert User.objects.get(pk=cast.owner.pk).last_login is None


@pytest.mark.parametrize("familiar", [False, True])
def test_a_sign_in_without_its_audit_row_is_none(transactional_db, cast, monkeypatch, familiar):
    if familiar:
        tokens_of(cast.owner)
    rows = (SignIn, SignInAddress, Event, User)
    before = [list(model.objects.order_by("pk").values()) for model in rows]
    monkeypatch.setattr(events, "row_of", lambda entry: Event(action=None))  # which the database refuses
    with pytest.raises(IntegrityError):
        sign_ins.sign_in(email="olga@example.com", password=PASSWORD)
    assert [list(model.objects.order_by("pk").values()) for model in rows] == before
