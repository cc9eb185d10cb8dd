"""Passwords made at random, by mail: kept nowhere until they are out, good once they are, to be changed at once."""

import logging
import math
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from accounts import passwords
from accounts.models import Event, Mail, SignIn, User
from accounts.services import delivery, mailed_passwords, mails, sign_ins, users
from accounts.services.delivery import Outcome
from accounts.tests.callers import is_signed_in, tokens_of
from accounts.tests.post import arrived
from accounts.tests.rows import everything
from accounts.tests.servers import OUTAGE, REFUSAL, Server
from accounts.tests.user_services import GOOD, create, update
from usermgmt.errors import Fault, Invalid, InvalidCredentials, Quota, TooManyRequests

START = datetime(2026, 5, 1, 10, tzinfo=UTC)
FORM = re.compile(r"^(?:[2-9a-z]{5}-)+[2-9a-z]{1,5}$", re.MULTILINE)
State = Mail.State


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def server(settings, monkeypatch):
    """A mail server that is there, until told otherwise."""
    settings.EMAIL_BACKEND = Server.PATH
    for name in ("away", "refusing"):
        monkeypatch.setattr(Server, name, None)
    return Server


@pytest.fixture
def nina(cast):
    """A new user who waits for a password."""
    return create(client_id=cast.acme.pk, send_password=True)


def outcomes():
    return list(delivery.deliver())


def password_in(letter):
    """The password that a mail tells, the same in its text and its HTML."""
    (password,) = FORM.findall(letter.body)
    ((html, _),) = letter.alternatives
    assert f">{password}</p>" in html
    return password


def mailed():
    """The passwords of the mails that arrive now."""
    return [password_in(letter) for letter in arrived() if letter.subject == "Your password for User Directory"]


def signs_in(password, email="nina@example.com"):
    try:
        sign_ins.verified_user(email=email, password=password)
    except InvalidCredentials:
        return False
    return True


def test_it_is_mailed_and_signs_in(nina):
    assert not nina.has_usable_password()
    (password,) = mailed()
    assert signs_in(password)
    after = User.objects.get(pk=nina.pk)
    assert after.must_change_password
    assert (after.password_version, after.version) == (nina.password_version + 1, nina.version + 1)


def test_nothing_but_changing_it_is_open_then(nina, call):
    (password,) = mailed()
    answer = call().post("/auth/token", {"email": "nina@example.com", "password": password})
    assert answer.status_code == 200
    client = call()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    assert client.patch("/users/current", {"name": "Nina New"}).status_code == 403
    assert client.get("/tokens").status_code == 403
    own = {"password": GOOD, "password_confirmation": GOOD}
    assert client.patch("/users/current", own).status_code == 200
    assert (signs_in(GOOD), signs_in(password)) == (True, False)
    assert not User.objects.get(pk=nina.pk).must_change_password


def test_it_can_be_typed_and_not_be_guessed(cast):
    many = {mailed_passwords.made(cast.owner).text for _ in range(50)}
    assert len(many) == 50
    assert all(FORM.fullmatch(password) for password in many)
    assert not set("01ilo") & set("".join(many))
    assert mailed_passwords.LENGTH * math.log2(len(mailed_passwords.ALPHABET)) >= 128


@pytest.mark.parametrize("minimum", range(1, passwords.MAX_LENGTH + 1))
def test_it_is_as_long_as_it_must_be_and_not_too_long(minimum):
    length = len(mailed_passwords._random(minimum))
    assert max(minimum, mailed_passwords.LENGTH) <= length <= passwords.MAX_LENGTH


@pytest.mark.parametrize("minimum", [1, 64, passwords.MAX_LENGTH])
def test_it_keeps_the_policy_of_the_house(nina, settings, minimum):
    settings.PASSWORD_MIN_LENGTH = minimum
    (password,) = mailed()
    owner = passwords.Owner(name=nina.name, email=nina.email, username=nina.username)
    assert passwords.check(password, owner=owner, policy=passwords.standard()) == []


def test_it_is_not_like_its_owner_even_where_chance_would_have_it_so(cast, monkeypatch):
    drawn = iter(["olga-owner", "olga@example.com", "a-better-one-than-these"])
    monkeypatch.setattr(mailed_passwords, "_random", lambda minimum: next(drawn))
    assert mailed_passwords.made(cast.owner).text == "a-better-one-than-these"


def test_a_name_of_all_the_letters_there_are_is_no_obstacle(cast):
    update(cast.owner, name=mailed_passwords.ALPHABET, given_name=mailed_passwords.ALPHABET.replace("a", "a "))
    for _ in range(20):
        assert mailed_passwords.made(User.objects.get(pk=cast.owner.pk)).text


def test_whatever_else_was_chosen_is_no_password(cast):
    user = create(client_id=cast.acme.pk, password=GOOD, send_password=True)
    update(cast.owner, password=GOOD, send_password=True)
    assert not user.has_usable_password()
    assert not User.objects.get(pk=cast.owner.pk).has_usable_password()
    assert user.must_change_password
    assert not signs_in(GOOD) and not signs_in(GOOD, "olga@example.com")


def test_nobody_is_invited_to_choose_one_beside(cast):
    with pytest.raises(Invalid) as refusal:
        create(client_id=cast.acme.pk, invite=True, send_password=True)
    assert refusal.value.faults == (Fault("invite", "invited_with_password"),)


def test_who_has_a_password_loses_it_and_every_sign_in_at_once(cast, call):
    tokens = tokens_of(cast.owner)
    update(cast.owner, send_password=True)
    assert not is_signed_in(call(), tokens.access)
    assert not User.objects.get(pk=cast.owner.pk).has_usable_password()
    letters = {letter.subject: letter for letter in arrived()}
    assert set(letters) == {
        "Your password for User Directory was changed",
        "Your password for User Directory",
    }
    assert signs_in(password_in(letters["Your password for User Directory"]), "olga@example.com")


def test_it_ends_what_was_opened_without_it(nina, call):
    tokens = tokens_of(nina)
    mailed()
    assert not is_signed_in(call(), tokens.access)
    assert SignIn.objects.get().ended_at is not None


def test_the_last_administrator_keeps_a_password(cast):
    update(cast.spare, active=False)
    before = everything()
    with pytest.raises(Invalid) as refusal:
        update(cast.administrator, send_password=True)
    assert [fault.code for fault in refusal.value.faults] == ["last_administrator"]
    assert everything() == before
    assert not Mail.objects.exists()


# Where it is not


def test_it_is_neither_in_the_queue_nor_in_the_trail_nor_in_a_log(nina, caplog):
    with caplog.at_level(logging.DEBUG):
        (password,) = mailed()
    kept = [list(model.objects.values()) for model in (Mail, Event, User)]
    assert password not in repr(kept) + caplog.text
    event = Event.objects.get(action="password.mailed")
    assert (event.actor_id, event.target_kind, event.target_id, event.changes) == (None, "user", nina.pk, {})


def test_neither_it_nor_its_hash_is_in_a_repr(nina):
    made = mailed_passwords.made(nina)
    letter = delivery._made(Mail.objects.get())
    told = repr(made) + repr(letter)
    assert made.text not in told and made.stored not in told
    assert letter.password.text not in told and letter.password.stored not in told


# When it is written


def test_nobody_has_it_before_the_mail_server_took_it(nina, server, monkeypatch):
    seen = []
    monkeypatch.setattr(
        server, "send_messages", lambda self, messages: seen.append(User.objects.get(pk=nina.pk).has_usable_password())
    )
    assert outcomes() == [Outcome.SENT]
    assert seen == [False]
    assert User.objects.get(pk=nina.pk).has_usable_password()


def test_its_hash_is_made_outside_of_transactions(nina, monkeypatch):
    depths = []
    hashed = passwords.hashed
    monkeypatch.setattr(
        passwords, "hashed", lambda password: depths.append(len(connection.savepoint_ids)) or hashed(password)
    )
    assert outcomes() == [Outcome.SENT]
    assert depths == [len(connection.savepoint_ids)]  # no deeper than the test itself


@pytest.mark.parametrize("trouble", [{"away": OUTAGE}, {"refusing": REFUSAL}], ids=["away", "refusing"])
def test_an_attempt_that_failed_leaves_no_password_and_the_next_makes_another(
    clock, nina, server, monkeypatch, trouble
):
    made = []
    original = mailed_passwords.made
    monkeypatch.setattr(mailed_passwords, "made", lambda user: made.append(original(user)) or made[-1])
    for name, error in trouble.items():
        monkeypatch.setattr(server, name, error)
    assert outcomes() == [Outcome.DELAYED]
    assert not User.objects.get(pk=nina.pk).has_usable_password()
    for name in trouble:
        monkeypatch.setattr(server, name, None)
    clock.shift(delivery.FIRST_DELAY)
    (password,) = mailed()
    assert [attempt.text == password for attempt in made] == [False, True]
    assert (signs_in(made[0].text), signs_in(password)) == (False, True)


class Died(BaseException):
    """As a process does: nobody handles it."""


def test_who_dies_in_between_leaves_a_user_whom_staff_can_help(clock, nina, server, monkeypatch):
    monkeypatch.setattr(server, "refusing", Died())
    with pytest.raises(Died):
        outcomes()
    monkeypatch.setattr(server, "refusing", None)
    assert not User.objects.get(pk=nina.pk).has_usable_password()
    clock.shift(timedelta(days=1))
    assert list(Mail.objects.interrupted().values_list("user", "kind")) == [(nina.pk, Mail.Kind.RANDOM_PASSWORD)]
    assert delivery.retry_interrupted() == 1
    (password,) = mailed()
    assert signs_in(password)


def test_what_was_given_up_is_sent_again_with_another(nina, cast):
    Mail.objects.update(state=State.FAILED, attempts=20)
    delivery.send_again(actor=cast.administrator, mail=Mail.objects.get())
    (password,) = mailed()
    assert signs_in(password)


# Who is another one by then

CHANGES = {
    "inactive": {"active": False},
    "moved": {"email": "other@example.com", "email_verified": True},
    "password": {"password": GOOD},
    "none": {"password": None},
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_no_longer_called_for_is_not_sent(nina, change):
    update(nina, **CHANGES[change])
    assert mailed() == []
    assert not Mail.objects.filter(kind=Mail.Kind.RANDOM_PASSWORD).exists()
    assert not Event.objects.filter(action="password.mailed").exists()
    assert signs_in(GOOD) is (change == "password")


def test_an_inactive_user_is_sent_none(cast):
    create(client_id=cast.acme.pk, active=False, send_password=True)
    assert outcomes() == [Outcome.DROPPED]


@pytest.mark.parametrize("change", [*CHANGES, "again"])
def test_who_changes_while_it_is_sent_does_not_get_it(nina, server, monkeypatch, caplog, change):
    sent = []

    def slow(self, messages):
        sent.extend(password_in(message) for message in messages)
        update(nina, **{**CHANGES, "again": {"send_password": True}}[change])

    with monkeypatch.context() as patch:
        patch.setattr(server, "send_messages", slow)
        queued = Mail.objects.get()
        assert next(delivery.deliver()) == Outcome.SENT
    user = User.objects.get(pk=nina.pk)
    assert not passwords.verified(sent[0], user.password)
    assert not Event.objects.filter(action="password.mailed").exists()
    assert sent[0] not in caplog.text
    assert caplog.messages[-1] == f"mail {queued.pk} sent, but its password is not the user's: they changed meanwhile"


def test_who_is_deleted_while_it_is_sent_is_gone(nina, server, monkeypatch):
    monkeypatch.setattr(server, "send_messages", lambda self, messages: users.delete(actor=None, user_id=nina.pk))
    assert outcomes() == [Outcome.SENT]
    assert not User.objects.filter(pk=nina.pk).exists()
    assert not Event.objects.filter(action="password.mailed").exists()


def test_of_several_that_wait_one_is_sent(nina):
    update(nina, send_password=True)
    assert outcomes() == [Outcome.SENT, Outcome.DROPPED]
    assert User.objects.get(pk=nina.pk).has_usable_password()


def test_two_senders_of_one_mail_leave_the_password_that_was_written_first(clock, nina, server):
    """A sender that slept over its claim, while an operator had the mail sent again."""
    sent = []

    def send(self, messages):
        sent.extend(password_in(message) for message in messages)
        if len(sent) == 1:
            clock.shift(timedelta(hours=1))
            delivery.retry_interrupted()
            assert outcomes() == [Outcome.SENT]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "send_messages", send)
        outcomes()
    assert [signs_in(password) for password in sent] == [False, True]
    assert Event.objects.filter(action="password.mailed").count() == 1


# How often


def test_over_the_limit_it_is_refused_and_nothing_changes(cast, clock, settings):
    settings.MAILS_PER_HOUR = 2
    for _ in range(2):
        update(cast.owner, send_password=True)
        (password,) = mailed()
        clock.shift(timedelta(minutes=10))
    before, queued = everything(), list(Mail.objects.values())
    with pytest.raises(TooManyRequests) as refusal:
        update(cast.owner, name="Olga New", send_password=True)
    assert (refusal.value.wait, refusal.value.quota) == (40 * 60, Quota(limit=2, remaining=0, reset=40 * 60))
    assert (everything(), list(Mail.objects.values())) == (before, queued)
    assert signs_in(password, "olga@example.com")


def test_an_hour_later_there_is_room_again(cast, clock, settings):
    settings.MAILS_PER_HOUR = 1
    update(cast.owner, send_password=True)
    mailed()
    clock.shift(timedelta(hours=1))
    update(cast.owner, send_password=True)
    (password,) = mailed()
    assert signs_in(password, "olga@example.com")


def test_others_and_other_kinds_have_limits_of_their_own(cast, settings):
    settings.MAILS_PER_HOUR = 1
    update(cast.owner, welcome=True)
    update(cast.stranger, send_password=True)
    update(cast.owner, send_password=True)
    assert Mail.objects.filter(kind=Mail.Kind.RANDOM_PASSWORD).count() == 2


def test_mails_of_an_update_are_made_in_two_queries(cast, django_assert_num_queries):
    with django_assert_num_queries(2):
        mails.greet(cast.owner, welcome=True, password=True)
    with django_assert_num_queries(0):
        mails.greet(cast.owner, welcome=False, password=False)
