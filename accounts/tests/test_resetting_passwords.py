"""A forgotten password: asking for a link, and using it (native contract 7)."""

import hashlib
import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.api import life_cycle
from accounts.models import Event, Mail, OneTimeToken, Purpose, SignIn, User
from accounts.services import one_time_tokens, sign_ins, users
from accounts.tests.callers import caller, is_signed_in, tokens_of
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.post import arrived, the_letter, token_in
from usermgmt.http import limits

NEW = "a quite different passphrase"
DEAD = {"errors": {"token": ["is invalid or has expired"]}}


def ask(email, **options):
    return caller().post("/auth/password/reset", {"email": email}, **options)


def confirm(token, password=NEW, confirmation=None):
    body = {"token": token, "password": password, "password_confirmation": confirmation or password}
    return caller().post("/auth/password/reset/confirm", body)


def a_token(user, purpose=Purpose.PASSWORD_RESET):
    return one_time_tokens.issue(user=user, purpose=purpose)


def test_who_asks_is_sent_a_link_and_sets_a_new_password_with_it(cast):
    answer = ask("olga@example.com")
    assert (answer.status_code, answer.json()) == (202, {})
    assert not OneTimeToken.objects.exists()  # the queue holds no secret
    letter = the_letter()
    assert letter.to == ["olga@example.com"]

    answer = confirm(token_in(letter))

    assert (answer.status_code, answer.json()) == (200, {})
    assert sign_ins.verified_user(email="olga@example.com", password=NEW) == cast.owner


def test_any_spelling_of_the_address_will_do(cast):
    assert ask("  OLGA@Example.COM ").status_code == 202
    assert the_letter().to == ["olga@example.com"]


NOBODY = ["nobody@example.com", "dora@example.com", "imported@example.com"]


@pytest.fixture
def passwordless(cast):
    return UserFactory(email="imported@example.com", password="!nothing")


@pytest.mark.parametrize("email", NOBODY)
def test_who_can_not_sign_in_by_a_password_gets_the_same_answer_and_no_mail(cast, passwordless, email):
    known = ask("olga@example.com")
    answer = ask(email)

    assert (answer.status_code, answer.content) == (known.status_code, known.content)
    names = {name for name in known.headers if name != "X-Request-ID"}
    assert {name: answer.headers[name] for name in names} == {name: known.headers[name] for name in names}
    assert [letter.to for letter in arrived()] == [["olga@example.com"]]
    assert Mail.objects.count() == 1  # what was nobody's is thrown away


@pytest.mark.parametrize("email", NOBODY)
def test_asking_takes_the_same_statements_whoever_is_asked_for(cast, passwordless, email):
    def statements(address):
        with CaptureQueriesContext(connection) as captured:
            assert ask(address).status_code == 202
        sent = [query["sql"].split("VALUES")[0].split("WHERE")[0] for query in captured.captured_queries]
        return [re.sub(r'"s\d+_x\d+"', "a savepoint", statement) for statement in sent]

    assert statements(email) == statements("olga@example.com")


def test_what_strangers_type_is_not_kept(cast):
    ask("nobody@example.com")
    assert list(Mail.objects.values_list("user", "address")) == [(None, "")]
    assert not Event.objects.filter(changes__icontains="nobody").exists()


def test_asking_is_kept_in_the_audit_trail_for_known_and_unknown_alike(cast):
    ask("olga@example.com")
    ask("nobody@example.com")
    kept = list(Event.objects.order_by("id").values_list("action", "actor_id", "target_id", "contract"))
    assert kept == [
        ("password_reset.requested", None, cast.owner.pk, "native"),
        ("password_reset.requested", None, None, "native"),
    ]


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ({}, ["can't be blank"]),
        ({"email": ""}, ["can't be blank"]),
        ({"email": None}, ["can't be blank"]),
        ({"email": "  "}, ["can't be blank"]),
        ({"email": 7}, ["is invalid"]),
        ({"email": ["olga@example.com"]}, ["is invalid"]),
        ({"email": "olga"}, ["is invalid"]),
        ({"email": "olga@example.com\r\nBcc: eve@example.com"}, ["is invalid"]),
        ({"email": "a" * 250 + "@example.com"}, ["is too long (maximum is 255 characters)"]),
    ],
)
def test_what_is_no_address_is_refused_whoever_there_is(cast, body, messages):
    answer = caller().post("/auth/password/reset", body)
    assert (answer.status_code, answer.json()) == (422, {"errors": {"email": messages}})
    assert not Mail.objects.exists()


@pytest.mark.parametrize("email", ["olga@example.com", "nobody@example.com"])
def test_of_one_address_only_so_many_an_hour_are_taken_known_or_not(cast, settings, email):
    settings.MAILS_PER_HOUR = 3
    with time_machine.travel("2026-05-01T10:00:00Z", tick=False) as clock:
        answers = [ask(spelling) for spelling in (email, email.upper(), email, email)]
        assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
        assert [answer.headers["RateLimit-Remaining"] for answer in answers[:3]] == ["2", "1", "0"]
        assert answers[3].headers["Retry-After"] == "3600"
        assert "error" in answers[3].json()
        assert Mail.objects.count() == 3
        assert ask("stan@example.com").status_code == 202  # others are not concerned
        clock.shift(3601)
        assert ask(email).status_code == 202


def test_nobody_fills_the_queue_from_one_address_with_accounts_that_are_not_there(db, monkeypatch):
    monkeypatch.setattr(life_cycle, "RESETS_OF_ONE_ADDRESS", limits.Limit("resets", 2, 3600))

    answers = [ask(f"nobody{number}@example.com") for number in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].headers["Retry-After"] == "3600"
    assert Mail.objects.count() == 2
    answer = caller().post("/auth/password/reset", {"email": "nobody@example.com"}, REMOTE_ADDR="192.0.2.9")
    assert answer.status_code == 202


# The token


def test_only_the_digest_of_256_random_bits_is_stored(cast):
    ask("olga@example.com")
    token = token_in(the_letter())
    kept = OneTimeToken.objects.get()
    assert len(token) == 43  # base64url of 32 bytes
    assert kept.digest == hashlib.sha256(token.encode()).hexdigest()
    assert token not in str(OneTimeToken.objects.values()) + str(Mail.objects.values()) + str(Event.objects.values())


def test_a_token_is_good_once(cast):
    token = a_token(cast.owner)
    assert confirm(token).status_code == 200

    answer = confirm(token, "yet another passphrase")

    assert (answer.status_code, answer.json()) == (422, DEAD)
    assert sign_ins.verified_user(email="olga@example.com", password=NEW)


def test_a_used_token_takes_the_users_others_with_it(cast):
    first, second, proof = a_token(cast.owner), a_token(cast.owner), a_token(cast.owner, Purpose.EMAIL_VERIFICATION)
    strangers = a_token(cast.stranger)
    confirm(second)

    assert confirm(first).json() == DEAD
    assert caller().post("/auth/email/verify", {"token": proof}).json() == DEAD
    assert confirm(strangers).status_code == 200


def test_a_token_is_good_for_its_lifetime_from_when_it_was_sent(cast, settings):
    settings.RESET_LIFETIME = timedelta(hours=1)
    with time_machine.travel("2026-05-01T10:00:00Z", tick=False) as clock:
        ask("olga@example.com")
        clock.shift(timedelta(hours=5))  # the mail server was away
        first, second = token_in(the_letter()), a_token(cast.owner)
        clock.shift(timedelta(minutes=59, seconds=59))
        assert one_time_tokens.find(token=first, purposes=[Purpose.PASSWORD_RESET])
        clock.shift(timedelta(seconds=1))
        assert confirm(first).json() == confirm(second).json() == DEAD


WORTHLESS = {
    "another address": lambda user: users.update(actor=None, user_id=user.pk, email="new@example.com"),
    "another password": lambda user: users.update(actor=None, user_id=user.pk, password="something else again"),
    "no password": lambda user: users.update(actor=None, user_id=user.pk, password=None),
    "deactivation": lambda user: users.update(actor=None, user_id=user.pk, active=False),
    "deletion": lambda user: users.delete(actor=None, user_id=user.pk),
}


@pytest.mark.parametrize("change", WORTHLESS)
def test_a_change_of_the_account_makes_a_token_worthless(cast, change):
    token = a_token(cast.owner)
    WORTHLESS[change](cast.owner)
    assert (confirm(token).status_code, confirm(token).json()) == (422, DEAD)


@pytest.mark.parametrize(("column", "value"), [("email_canonical", "x@example.com"), ("password_version", 9)])
def test_a_token_is_bound_to_the_address_and_the_password_of_its_time(cast, column, value):
    token = a_token(cast.owner)
    User.objects.filter(pk=cast.owner.pk).update(**{column: value})
    assert confirm(token).json() == DEAD


def test_a_change_that_is_taken_back_does_not_revive_it(cast):
    token = a_token(cast.owner)
    for email in ("new@example.com", "olga@example.com"):
        users.update(actor=None, user_id=cast.owner.pk, email=email)
    for active in (False, True):
        users.update(actor=None, user_id=cast.owner.pk, active=active)
    assert confirm(token).json() == DEAD


def test_another_spelling_of_the_same_address_leaves_it_good(cast):
    token = a_token(cast.owner)
    users.update(actor=None, user_id=cast.owner.pk, email="Olga@Example.com", name="Renamed")
    assert confirm(token).status_code == 200


@pytest.mark.parametrize("token", ["x", "x" * 43, "é" * 43, "x" * 100_000, "eyJhbGciOiJIUzI1NiJ9.e30."])
def test_a_token_that_is_none_is_a_dead_one(cast, token):
    assert (confirm(token).status_code, confirm(token).json()) == (422, DEAD)


def test_tokens_of_other_classes_are_dead_here(cast):
    pair = tokens_of(cast.owner)
    for token in (pair.access, pair.refresh, a_token(cast.owner, Purpose.EMAIL_VERIFICATION)):
        assert confirm(token).json() == DEAD


def test_a_digest_is_no_token(cast):
    a_token(cast.owner)
    assert confirm(OneTimeToken.objects.get().digest).json() == DEAD


# Using it


def test_every_sign_in_ends(cast, client):
    access = tokens_of(cast.owner).access
    assert is_signed_in(caller(), access)
    confirm(a_token(cast.owner))
    assert not is_signed_in(caller(), access)
    assert not SignIn.objects.filter(user=cast.owner).alive().exists()


def test_the_duty_to_change_the_password_is_done(cast):
    User.objects.filter(pk=cast.owner.pk).update(must_change_password=True)
    confirm(a_token(cast.owner))
    cast.owner.refresh_from_db()
    assert cast.owner.must_change_password is False


def test_the_address_is_proven_along(cast):
    confirm(a_token(cast.owner))
    cast.owner.refresh_from_db()
    assert cast.owner.email_verified is True


def test_it_is_kept_in_the_audit_trail_without_a_secret(cast):
    confirm(a_token(cast.owner))
    used, updated = Event.objects.order_by("id")
    assert (used.action, used.actor_id, used.target_id) == ("password_reset.used", cast.owner.pk, cast.owner.pk)
    assert (updated.action, updated.actor_id, updated.target_id) == ("user.updated", None, cast.owner.pk)
    assert updated.changes == {"password": [None, None], "email_verified": [False, True]}


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"password": "short"}, {"password": ["is too short (minimum is 8 characters)"]}),
        ({"password": "password123"}, {"password": ["is too common"]}),
        ({"password": "Olga Owner"}, {"password": ["is too similar to the name"]}),
        ({"password": "x" * 129}, {"password": ["is too long (maximum is 128 characters)"]}),
        ({"password": ""}, {"password": ["can't be blank"]}),
        ({"password": None}, {"password": ["can't be blank"]}),
        ({"password": 12345678}, {"password": ["is invalid"]}),
        ({"password_confirmation": "another one"}, {"password_confirmation": ["doesn't match Password"]}),
        ({"password_confirmation": ""}, {"password_confirmation": ["can't be blank"]}),
        ({"password_confirmation": {}}, {"password_confirmation": ["is invalid"]}),
        (
            {"password": "", "password_confirmation": ""},
            {"password": ["can't be blank"], "password_confirmation": ["can't be blank"]},
        ),
    ],
)
def test_a_refused_password_leaves_the_token_good(cast, changes, errors):
    token = a_token(cast.owner)
    sent = {"token": token, "password": NEW, "password_confirmation": changes.get("password") or NEW} | changes
    if isinstance(sent["password_confirmation"], int):
        sent["password_confirmation"] = "12345678"

    answer = caller().post("/auth/password/reset/confirm", sent)

    assert (answer.status_code, answer.json()) == (422, {"errors": errors})
    assert sign_ins.verified_user(email="olga@example.com", password=PASSWORD)
    assert confirm(token).status_code == 200


def test_all_faults_are_told_at_once_in_their_order(cast):
    answer = caller().post("/auth/password/reset/confirm", {"password": "short", "password_confirmation": "shirt"})
    assert answer.status_code == 422
    assert list(answer.json()["errors"].items()) == [
        ("token", ["can't be blank"]),
        ("password", ["is too short (minimum is 8 characters)"]),
        ("password_confirmation", ["doesn't match Password"]),
    ]
    answer = confirm("dead", "short", "shirt")
    assert list(answer.json()["errors"]) == ["token", "password", "password_confirmation"]
    assert answer.json()["errors"]["token"] == DEAD["errors"]["token"]


def test_an_empty_body_misses_everything(cast):
    blank = ["can't be blank"]
    assert caller().post("/auth/password/reset/confirm", {}).json() == {
        "errors": {"token": blank, "password": blank, "password_confirmation": blank}
    }


@pytest.mark.parametrize("token", [7, True, ["x"], {"a": 1}])
def test_a_token_of_the_wrong_type_is_invalid_and_not_dead(cast, token):
    assert confirm(token).json() == {"errors": {"token": ["is invalid"]}}


def test_the_last_administrator_may_reset_as_everybody(cast):
    cast.spare.delete()
    assert confirm(a_token(cast.administrator)).status_code == 200
    assert sign_ins.verified_user(email="ada@example.com", password=NEW).is_superuser


def test_tokens_that_are_past_are_forgotten(cast):
    a_token(cast.owner)
    OneTimeToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    a_token(cast.owner)
    assert one_time_tokens.forget_expired() == 1
    assert OneTimeToken.objects.count() == 1
