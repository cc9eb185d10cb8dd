"""Sign-ins by a long-lived token, of contracts that have no other."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import ApiToken, Event, User
from accounts.services import api_tokens, logins, sign_ins, users
from accounts.tests.callers import api_token_of, bearing
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.test_races import CROWD, at_once, repeated
from accounts.tests.user_services import GOOD, update
from usermgmt.errors import InvalidCredentials, InvalidToken

START = datetime(2026, 5, 1, 10, tzinfo=UTC)
Kind = ApiToken.Kind


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def log_in(email="olga@example.com", password=PASSWORD):
    return logins.log_in(email=email, password=password, name="A client")


def is_open(text):
    try:
        logins.resume(token=text)
    except InvalidToken:
        return False
    return True


def row_of(text):
    return api_tokens.user_of(text, kinds=[Kind.LOGIN])[1]


# In


def test_whoever_has_the_password_gets_a_token_of_theirs(cast, clock):
    user, text = log_in("OLGA@example.com")
    assert user == cast.owner == logins.resume(token=text)
    token = row_of(text)
    assert (token.user_id, token.kind, token.name, token.client_id, token.read_only) == (
        cast.owner.pk, Kind.LOGIN, "A client", None, False,
    )  # fmt: skip
    assert User.objects.get(pk=user.pk).last_login == START
    assert list(Event.objects.order_by("pk").values_list("action", "actor_id")) == [
        ("sign_in.succeeded", cast.owner.pk),
        ("api_token.created", cast.owner.pk),
    ]
    assert text not in str(list(Event.objects.values())) + str(list(ApiToken.objects.values()))


def test_several_of_one_user_live_side_by_side(cast):
    texts = [log_in()[1] for _ in range(3)]
    assert len(set(texts)) == 3
    assert all(map(is_open, texts))


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("olga@example.com", "wrong password"),
        ("nobody@example.com", PASSWORD),
        ("dora@example.com", PASSWORD),
        ("olga@example.com", ""),
        ("", ""),
        ("olga@example.com", "x" * 1_000_000),
    ],
)
def test_whoever_has_not_gets_none(cast, email, password):
    with pytest.raises(InvalidCredentials):
        log_in(email, password)
    assert not ApiToken.objects.exists()
    assert list(Event.objects.values_list("action", flat=True)) == ["sign_in.failed"]


def test_only_who_knows_the_password_learns_that_the_account_is_inactive(cast):
    told = []
    for email, password in (("dora@example.com", PASSWORD), ("dora@example.com", GOOD), ("nobody@example.com", GOOD)):
        with pytest.raises(InvalidCredentials) as refusal:
            log_in(email, password)
        told.append(refusal.value.inactive)
    assert told == [True, False, False]


@pytest.mark.parametrize("change", [{"active": False}, {"password": GOOD}, {"roles": ["guest"]}], ids=str)
def test_who_changes_while_the_password_is_verified_is_refused_as_ever(cast, monkeypatch, change):
    verified_user = sign_ins.verified_user

    def slow(**credentials):
        user = verified_user(**credentials)
        update(cast.owner, **change)
        return user

    monkeypatch.setattr(sign_ins, "verified_user", slow)
    with pytest.raises(InvalidCredentials):
        log_in()
    assert not ApiToken.objects.exists()
    assert not Event.objects.filter(action="sign_in.succeeded").exists()


def test_who_is_deleted_while_the_password_is_verified_is_refused_as_ever(cast, monkeypatch):
    verified_user = sign_ins.verified_user

    def slow(**credentials):
        user = verified_user(**credentials)
        users.delete(actor=None, user_id=user.pk)
        return user

    monkeypatch.setattr(sign_ins, "verified_user", slow)
    with pytest.raises(InvalidCredentials):
        log_in()


# How long, and how many


def test_it_is_good_for_ninety_days(cast, clock):
    text = log_in()[1]
    assert row_of(text).expires_at == START + timedelta(days=90)
    clock.shift(timedelta(days=90) - timedelta(seconds=1))
    assert is_open(text)
    clock.shift(timedelta(seconds=1))
    assert not is_open(text)


def test_of_a_hundred_and_one_the_oldest_ends(cast):
    first, second = log_in()[1], log_in()[1]
    for _ in range(logins.MAX_ALIVE - 2):
        api_token_of(cast.owner, kind=Kind.LOGIN)
    others = api_token_of(cast.stranger, kind=Kind.LOGIN)[1]
    assert is_open(first)
    last = log_in()[1]
    assert [is_open(text) for text in (first, second, last, others)] == [False, True, True, True]
    assert ApiToken.objects.alive().filter(user=cast.owner).count() == logins.MAX_ALIVE


def test_tokens_of_programs_do_not_count_and_are_not_ended(cast):
    for _ in range(api_tokens.MAX_ALIVE):
        api_token_of(cast.owner)
    text = log_in()[1]
    assert is_open(text)
    assert ApiToken.objects.alive().of_programs().count() == api_tokens.MAX_ALIVE


def test_those_that_are_over_make_room(cast):
    for _ in range(logins.MAX_ALIVE):
        api_token_of(cast.owner, kind=Kind.LOGIN)
    update(cast.owner, roles=["guest"])  # ended all of them
    kept = log_in()[1]
    assert is_open(log_in()[1]) and is_open(kept)


# What it opens


def test_it_opens_nothing_where_tokens_of_programs_are_taken(cast):
    text = log_in()[1]
    assert bearing(text).get("/users/current").status_code == 401
    with pytest.raises(InvalidToken):
        api_tokens.user_of(text)


@pytest.mark.parametrize("kind", [Kind.API])
def test_another_token_resumes_nothing(cast, kind):
    assert not is_open(api_token_of(cast.owner, kind=kind)[1])


@pytest.mark.parametrize("text", ["", "um_", "um_nothing_nothing", "\0", "é" * 300, "x" * 100_000])
def test_what_is_no_token_resumes_nothing(db, text):
    assert not is_open(text)


def test_its_owner_may_with_it_what_a_sign_in_may(cast):
    actor = logins.resume(token=log_in()[1])
    assert (actor.scope_id, actor.token_id) == (None, None)
    users.update(actor=actor, user_id=actor.pk, password=GOOD)
    assert log_in(password=GOOD)


@pytest.mark.parametrize(
    "change", [{"password": GOOD}, {"active": False}, {"email": "o@example.com"}, {"client_id": None}], ids=str
)
def test_it_dies_with_every_other_token(cast, change):
    text = log_in()[1]
    update(cast.owner, **change)
    assert not is_open(text)


def test_it_dies_with_a_sign_out_everywhere(cast):
    text = log_in()[1]
    users.sign_out(actor=cast.owner, user_id=cast.owner.pk)
    assert not is_open(text)


# Out


def test_whoever_leaves_ends_that_one_token(cast):
    first, second = log_in()[1], log_in()[1]
    logins.log_out(actor=cast.owner, token=row_of(first))
    assert [is_open(text) for text in (first, second)] == [False, True]
    event = Event.objects.order_by("-pk")[0]
    assert (event.action, event.actor_id, event.target_id) == ("sign_in.revoked", cast.owner.pk, cast.owner.pk)


def test_nobody_leaves_twice(cast):
    token = row_of(log_in()[1])
    logins.log_out(actor=cast.owner, token=token)
    told = Event.objects.count()
    with pytest.raises(InvalidToken):
        logins.log_out(actor=cast.owner, token=token)
    assert Event.objects.count() == told


# Races


@pytest.mark.django_db(transaction=True)
@repeated()
def test_of_twelve_who_come_at_once_to_the_last_places_none_too_many_is_alive():
    user = UserFactory(email="olga@example.com")
    for _ in range(logins.MAX_ALIVE - 2):
        api_token_of(user, kind=Kind.LOGIN)
    texts = [text for _, text in at_once(*[log_in] * CROWD)]
    assert ApiToken.objects.alive().filter(user=user).count() == logins.MAX_ALIVE
    assert all(map(is_open, texts))
