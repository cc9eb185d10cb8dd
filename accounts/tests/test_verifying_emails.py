"""Proving that an address is one's own (native contract 7)."""

from datetime import timedelta

import pytest
import time_machine

from accounts.models import Event, Mail, OneTimeToken, Purpose, User
from accounts.services import one_time_tokens, users
from accounts.tests.callers import caller
from accounts.tests.factories import UserFactory
from accounts.tests.post import arrived, the_letter, token_in

DEAD = {"errors": {"token": ["is invalid or has expired"]}}


def verify(token):
    return caller().post("/auth/email/verify", {"token": token})


def is_verified(user):
    return User.objects.get(pk=user.pk).email_verified


def a_token(user):
    return one_time_tokens.issue(user=user, purpose=Purpose.EMAIL_VERIFICATION)


@pytest.fixture
def verified(cast):
    User.objects.filter(pk=cast.owner.pk).update(email_verified=True)
    cast.owner.refresh_from_db()
    return cast.owner


def test_a_user_asks_for_a_link_and_proves_the_address_with_it(cast, call):
    answer = call(cast.owner).post(f"/users/{cast.owner.pk}/verification")
    assert (answer.status_code, answer.json()) == (202, {})
    letter = the_letter()
    assert letter.to == ["olga@example.com"]

    answer = verify(token_in(letter))

    assert (answer.status_code, answer.json()) == (200, {})
    assert is_verified(cast.owner)


def test_sign_ins_go_on(cast, call):
    client = call(cast.owner)
    verify(a_token(cast.owner))
    assert client.get("/users/current?include=email_verified").json()["email_verified"] is True


def test_the_proof_is_kept_in_the_audit_trail(cast, call):
    call(cast.administrator).post(f"/users/{cast.owner.pk}/verification")
    verify(token_in(the_letter()))
    kept = list(Event.objects.order_by("id").values_list("action", "actor_id", "target_id", "changes"))
    assert kept == [
        ("email_verification.requested", cast.administrator.pk, cast.owner.pk, {}),
        ("email_verification.used", cast.owner.pk, cast.owner.pk, {}),
        ("user.updated", None, cast.owner.pk, {"email_verified": [False, True]}),
    ]


def test_a_token_is_good_once_and_takes_the_others_with_it(cast):
    first, second = a_token(cast.owner), a_token(cast.owner)
    assert verify(first).status_code == 200
    assert (verify(first).status_code, verify(first).json()) == (422, DEAD)
    assert verify(second).json() == DEAD


def test_a_token_of_who_is_verified_already_is_used_up_without_a_change(cast, verified):
    token = a_token(verified)
    assert verify(token).status_code == 200
    assert not OneTimeToken.objects.exists()
    assert not Event.objects.filter(action="user.updated").exists()


def test_it_is_good_for_its_lifetime(cast, settings):
    settings.VERIFICATION_LIFETIME = timedelta(days=3)
    with time_machine.travel("2026-05-01T10:00:00Z", tick=False) as clock:
        early, late = a_token(cast.owner), a_token(cast.stranger)
        clock.shift(timedelta(days=3, seconds=-1))
        assert verify(early).status_code == 200
        clock.shift(timedelta(seconds=1))
        assert verify(late).json() == DEAD


@pytest.mark.parametrize("purpose", [Purpose.PASSWORD_RESET, Purpose.INVITATION])
def test_a_token_for_something_else_is_dead_here(cast, purpose):
    token = one_time_tokens.issue(user=cast.owner, purpose=purpose)
    assert verify(token).json() == DEAD
    assert not is_verified(cast.owner)


@pytest.mark.parametrize(
    "change",
    [
        lambda user: users.update(actor=None, user_id=user.pk, email="new@example.com"),
        lambda user: users.update(actor=None, user_id=user.pk, password="something else again"),
        lambda user: users.update(actor=None, user_id=user.pk, active=False),
    ],
)
def test_a_change_of_the_account_makes_it_worthless(cast, change):
    token = a_token(cast.owner)
    change(cast.owner)
    assert verify(token).json() == DEAD
    assert not is_verified(cast.owner)


@pytest.mark.parametrize(
    ("body", "message"),
    [({}, "can't be blank"), ({"token": ""}, "can't be blank"), ({"token": None}, "can't be blank")]
    + [({"token": value}, "is invalid") for value in (7, [], {})]
    + [({"token": "x" * 43}, "is invalid or has expired")],
)
def test_what_is_no_token_is_refused(cast, body, message):
    answer = caller().post("/auth/email/verify", body)
    assert (answer.status_code, answer.json()) == (422, {"errors": {"token": [message]}})


def test_a_user_who_must_change_the_password_may_prove_the_address(cast):
    User.objects.filter(pk=cast.owner.pk).update(must_change_password=True)
    assert verify(a_token(cast.owner)).status_code == 200
    assert is_verified(cast.owner)


# Asking


def test_there_is_nothing_to_ask_of_who_is_verified(cast, call, verified):
    answer = call(cast.administrator).post(f"/users/{verified.pk}/verification")
    assert (answer.status_code, answer.json()) == (422, {"errors": {"base": ["is verified already"]}})
    assert not Mail.objects.exists()


def test_nobody_asks_it_of_who_is_not_active(cast, call):
    answer = call(cast.administrator).post(f"/users/{cast.disabled.pk}/verification")
    assert (answer.status_code, answer.json()) == (422, {"errors": {"base": ["must be active"]}})


def test_only_so_many_an_hour_are_sent_resets_included(cast, call, settings):
    settings.MAILS_PER_HOUR = 3
    client = call(cast.owner)
    assert caller().post("/auth/password/reset", {"email": "olga@example.com"}).status_code == 202
    answers = [client.post(f"/users/{cast.owner.pk}/verification") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[1].headers["RateLimit-Remaining"] == "0"
    assert int(answers[2].headers["Retry-After"]) > 3500
    assert Mail.objects.count() == 3


# A changed address


def test_a_changed_address_is_unverified_again_and_is_sent_a_link(cast, call, verified):
    answer = call(verified).patch("/users/current?include=email_verified", {"email": "new@example.com"})
    assert answer.json()["email_verified"] is False
    (proof,) = [letter for letter in arrived() if letter.to == ["new@example.com"]]

    assert verify(token_in(proof)).status_code == 200
    assert is_verified(verified)


def test_a_link_to_an_address_that_changed_again_is_not_sent(cast):
    users.update(actor=None, user_id=cast.owner.pk, email="first@example.com")
    users.update(actor=None, user_id=cast.owner.pk, email="second@example.com")
    proofs = [letter.to for letter in arrived() if "Confirm" in letter.subject]
    assert proofs == [["second@example.com"]]


def test_an_address_that_an_administrator_vouches_for_is_sent_none(cast):
    users.update(actor=cast.administrator, user_id=cast.owner.pk, email="new@example.com", email_verified=True)
    assert [letter.to for letter in arrived()] == [["olga@example.com"]]  # the old one is told


@pytest.mark.parametrize("change", [{"email": "OLGA@example.com"}, {"name": "Renamed"}, {"email": "olga@example.com"}])
def test_what_leaves_the_address_as_it_is_sends_nothing(cast, verified, change):
    users.update(actor=verified, user_id=verified.pk, **change)
    assert arrived() == []
    assert is_verified(verified)


def test_an_account_does_not_serve_to_pester_others(cast, settings):
    settings.MAILS_PER_HOUR = 3
    for number in range(6):
        cast.owner.refresh_from_db()  # signed in again: each change ends every sign-in
        users.update(actor=cast.owner, user_id=cast.owner.pk, email=f"victim{number}@example.com")
    assert Mail.objects.filter(kind=Mail.Kind.EMAIL_VERIFICATION).count() == 3
    assert Mail.objects.filter(kind=Mail.Kind.EMAIL_CHANGED).count() == 3


def test_the_name_of_somebodys_choosing_is_not_sent_to_an_address_that_may_be_a_strangers(cast):
    users.update(actor=cast.owner, user_id=cast.owner.pk, name="Buy at evil.example", email="victim@example.com")
    (letter,) = [letter for letter in arrived() if letter.to == ["victim@example.com"]]
    assert "evil.example" not in str(letter.message())


def test_a_new_user_is_sent_nothing_unasked(cast):
    UserFactory()
    users.create(actor=cast.administrator, client_id=None, name="Nina", email="nina@example.com", password="a long one")
    assert arrived() == []
