"""Inviting users to choose their first password (native contract 7)."""

from datetime import timedelta

import pytest
import time_machine

from accounts.models import Event, Mail, OneTimeToken, Purpose, User
from accounts.services import bulk, mails, one_time_tokens, sign_ins, users
from accounts.tests.callers import api_token_of, bearing, caller
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.post import arrived, the_letter, token_in
from usermgmt.errors import Invalid, NotFound

NEW = "a quite different passphrase"
DEAD = {"errors": {"token": ["is invalid or has expired"]}}
NINA = {"name": "Nina New", "email": "nina@example.com", "invite": True}


def accept(token, password=NEW):
    body = {"token": token, "password": password, "password_confirmation": password}
    return caller().post("/auth/password/reset/confirm", body)


@pytest.fixture
def invited(cast):
    return UserFactory(name="Ingo Invited", email="ingo@example.com", client=cast.acme, password="!none")


def test_who_has_no_password_is_sent_a_link_and_chooses_one(cast, call, invited):
    answer = call(cast.administrator).post(f"/users/{invited.pk}/invitation")
    assert (answer.status_code, answer.json()) == (202, {})
    letter = the_letter()
    assert letter.to == ["ingo@example.com"]

    assert (accept(token_in(letter)).status_code, accept(token_in(letter)).json()) == (200, DEAD)

    user = sign_ins.verified_user(email="ingo@example.com", password=NEW)
    assert (user, user.email_verified) == (invited, True)
    assert arrived() == []  # a first password is no changed one


def test_it_is_kept_in_the_audit_trail(cast, call, invited):
    call(cast.administrator).post(f"/users/{invited.pk}/invitation")
    accept(token_in(the_letter()))
    kept = list(Event.objects.order_by("id").values_list("action", "actor_id", "target_id"))
    assert kept == [
        ("invitation.requested", cast.administrator.pk, invited.pk),
        ("invitation.used", invited.pk, invited.pk),
        ("user.updated", None, invited.pk),
    ]


def test_it_may_be_sent_again_and_either_link_serves_once(cast, call, invited):
    for _ in range(2):
        assert call(cast.administrator).post(f"/users/{invited.pk}/invitation").status_code == 202
    first, second = map(token_in, arrived())
    assert first != second
    assert accept(first).status_code == 200
    assert accept(second).json() == DEAD


def test_who_has_a_password_is_not_invited(cast, call):
    answer = call(cast.administrator).post(f"/users/{cast.owner.pk}/invitation")
    assert (answer.status_code, answer.json()) == (422, {"errors": {"base": ["has a password already"]}})
    assert not Mail.objects.exists()


def test_who_is_not_active_is_not_invited_and_all_reasons_are_told(cast, call):
    answer = call(cast.administrator).post(f"/users/{cast.disabled.pk}/invitation")
    assert answer.json() == {"errors": {"base": ["has a password already", "must be active"]}}


def test_nobody_who_is_not_there_is_invited(cast):
    with pytest.raises(NotFound):
        mails.request_invitation(actor=cast.administrator, user_id=987654321)


def test_the_link_is_good_for_its_lifetime(cast, settings, invited):
    settings.INVITATION_LIFETIME = timedelta(days=7)
    with time_machine.travel("2026-05-01T10:00:00Z", tick=False) as clock:
        token = one_time_tokens.issue(user=invited, purpose=Purpose.INVITATION)
        clock.shift(timedelta(days=7, seconds=-1))
        assert one_time_tokens.find(token=token, purposes=[Purpose.INVITATION])
        clock.shift(timedelta(seconds=1))
        assert accept(token).json() == DEAD


def test_a_password_that_was_set_meanwhile_makes_it_worthless(cast, call, invited):
    call(cast.administrator).post(f"/users/{invited.pk}/invitation")
    token = token_in(the_letter())
    users.update(actor=cast.administrator, user_id=invited.pk, password=NEW)
    assert accept(token, "yet another passphrase").json() == DEAD


def test_an_invitation_of_who_has_a_password_by_now_is_not_sent(cast, call, invited):
    call(cast.administrator).post(f"/users/{invited.pk}/invitation")
    users.update(actor=cast.administrator, user_id=invited.pk, password=NEW)
    assert arrived() == []
    assert not Mail.objects.exists()
    assert not OneTimeToken.objects.exists()


def test_the_invited_can_not_reset_what_they_do_not_have(cast, invited):
    caller().post("/auth/password/reset", {"email": "ingo@example.com"})
    assert arrived() == []


def test_a_new_user_may_be_invited_at_once(cast, call):
    answer = call(cast.administrator).post("/users", NINA | {"client_id": cast.acme.pk})
    assert answer.status_code == 201
    assert list(answer.json()) == ["id", "name", "email", "client"]
    user = User.objects.get(pk=answer.json()["id"])
    assert not user.has_usable_password()

    assert accept(token_in(the_letter())).status_code == 200
    assert sign_ins.verified_user(email="nina@example.com", password=NEW) == user


@pytest.mark.parametrize("password", [{}, {"password": ""}, {"password": None}, {"password_confirmation": ""}])
def test_a_blank_password_beside_it_is_none(cast, call, password):
    assert call(cast.administrator).post("/users", NINA | password).status_code == 201
    assert the_letter().to == ["nina@example.com"]


def test_a_password_beside_it_is_refused(cast, call):
    password = {"password": PASSWORD, "password_confirmation": PASSWORD}
    answer = call(cast.administrator).post("/users", NINA | password)
    assert (answer.status_code, answer.json()) == (
        422,
        {"errors": {"invite": ["can't be combined with a password"]}},
    )
    assert not User.objects.filter(email="nina@example.com").exists()


def test_an_inactive_user_is_not_invited_and_all_faults_are_told_at_once(cast, call):
    body = {"email": "nina", "active": False, "invite": True, "password": "short", "password_confirmation": "x"}
    assert call(cast.administrator).post("/users", body).json() == {
        "errors": {
            "name": ["can't be blank"],
            "email": ["is invalid"],
            "password": ["is too short (minimum is 8 characters)"],
            "password_confirmation": ["doesn't match Password"],
            "invite": ["can't be combined with a password", "needs an active user"],
        }
    }


@pytest.mark.parametrize("invite", ["true", 1, None, []])
def test_what_is_neither_true_nor_false_is_invalid(cast, call, invite):
    answer = call(cast.administrator).post("/users", NINA | {"invite": invite})
    assert answer.status_code == 422
    assert answer.json()["errors"]["invite"] == ["is invalid"]


def test_who_is_not_invited_needs_a_password_as_ever(cast, call):
    answer = call(cast.administrator).post("/users", NINA | {"invite": False})
    blank = ["can't be blank"]
    assert answer.json() == {"errors": {"password": blank, "password_confirmation": blank}}


def test_a_user_who_could_not_be_made_is_sent_nothing(cast, call):
    assert call(cast.administrator).post("/users", NINA | {"email": "olga@example.com"}).status_code == 422
    with pytest.raises(Invalid):
        users.create(actor=None, client_id=None, name="", email="nina@example.com", invite=True)
    assert not Mail.objects.exists()


def test_a_thousand_are_invited_in_a_few_queries(cast, django_assert_max_num_queries):
    drafts = [
        bulk.Draft(name=f"Person {number}", email=f"p{number}@bulk.example", client_id=cast.acme.pk)
        for number in range(1000)
    ]
    made = bulk.insert(actor=None, drafts=drafts)
    with django_assert_max_num_queries(40):
        mails.invite(actor=cast.administrator, users=made)
    assert Mail.objects.filter(kind=Mail.Kind.INVITATION, state=Mail.State.QUEUED).count() == 1000
    assert Event.objects.filter(action="invitation.requested").count() == 1000


def test_a_token_bound_to_a_client_mails_nobody_outside_of_it(cast, invited):
    _, text = api_token_of(cast.administrator, client=cast.acme)
    outside = UserFactory(email="gina@globex.example", client=cast.globex, password="!none")
    for kind in ("invitation", "verification"):
        assert bearing(text).post(f"/users/{outside.pk}/{kind}").status_code == 404
        assert bearing(text).post(f"/users/{invited.pk}/{kind}").status_code == 202
    assert {letter.to[0] for letter in arrived()} == {"ingo@example.com"}


def test_a_token_that_only_reads_mails_nobody(cast, invited):
    _, text = api_token_of(cast.administrator, read_only=True)
    for kind in ("invitation", "verification"):
        assert bearing(text).post(f"/users/{invited.pk}/{kind}").status_code == 403
    assert not Mail.objects.exists()
