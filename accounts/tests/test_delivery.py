"""The queue of mails: sent after the commit, at most once, and not lost while the mail server is away."""

import logging
import smtplib
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.db import transaction

from accounts.models import Event, Mail, OneTimeToken
from accounts.services import delivery, mails, users
from accounts.services.delivery import Outcome
from accounts.tests.factories import UserFactory
from accounts.tests.post import arrived, the_letter, token_in
from accounts.tests.servers import OUTAGE, REFUSAL, Server
from usermgmt.errors import Invalid

State = Mail.State
START = datetime(2026, 5, 1, 10, tzinfo=UTC)


@pytest.fixture
def server(settings, monkeypatch):
    """A mail server that is there, until told otherwise."""
    settings.EMAIL_BACKEND = Server.PATH
    for name in ("away", "refusing"):
        monkeypatch.setattr(Server, name, None)
    monkeypatch.setattr(Server, "taken", 0)
    return Server


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def queued(cast):
    """A mail that is due."""
    mails.request_reset(email="olga@example.com")
    return Mail.objects.get()


def outcomes():
    return list(delivery.deliver())


def row(queued):
    return Mail.objects.get(pk=queued.pk)


def test_a_mail_that_was_sent_is_sent_no_more(clock, queued):
    assert outcomes() == [Outcome.SENT]
    kept = row(queued)
    assert (kept.state, kept.attempts, kept.error, kept.sent_at) == (State.SENT, 1, "", START)
    assert outcomes() == []
    assert len(mail.outbox) == 1


def test_nothing_is_queued_by_what_is_rolled_back(cast):
    with pytest.raises(RuntimeError), transaction.atomic():
        users.update(actor=None, user_id=cast.owner.pk, email="new@example.com")
        raise RuntimeError
    assert arrived() == []


def test_mails_go_out_in_the_order_that_they_were_asked_for(cast):
    for email in ("stan", "olga", "otto"):
        mails.request_reset(email=f"{email}@example.com")
    assert [letter.to[0] for letter in arrived()] == ["stan@example.com", "olga@example.com", "otto@example.com"]


def test_several_go_over_one_connection(cast, server):
    for email in ("stan", "olga", "otto"):
        mails.request_reset(email=f"{email}@example.com")
    assert outcomes() == [Outcome.SENT] * 3
    assert server.taken == 1


def test_a_mail_server_that_is_away_loses_nothing(clock, server, queued, caplog):
    server.away = OUTAGE
    with caplog.at_level(logging.WARNING, "accounts.mails"):
        assert outcomes() == [Outcome.DELAYED]
    kept = row(queued)
    assert (kept.state, kept.attempts, kept.error) == (State.QUEUED, 1, "ConnectionRefusedError Connection refused")
    assert caplog.messages == [f"mail {queued.pk} not sent, attempt 1: ConnectionRefusedError Connection refused"]
    assert outcomes() == []  # not before it is due again

    server.away = None
    clock.shift(delivery.FIRST_DELAY)

    assert outcomes() == [Outcome.SENT]
    assert row(queued).attempts == 2


def test_an_outage_costs_the_others_no_attempt(clock, server, cast, queued):
    mails.request_reset(email="stan@example.com")
    server.away = OUTAGE
    assert outcomes() == [Outcome.DELAYED]
    assert list(Mail.objects.values_list("attempts", flat=True)) == [1, 0]
    server.away = None
    assert outcomes() == [Outcome.SENT]


def test_one_refused_recipient_keeps_no_other_waiting(clock, server, cast, queued):
    mails.request_reset(email="stan@example.com")
    sent = []

    def send(self, messages):
        (message,) = messages
        if message.to == ["olga@example.com"]:
            raise REFUSAL
        sent.extend(messages)
        return 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "send_messages", send)
        assert outcomes() == [Outcome.DELAYED, Outcome.SENT]
    assert [message.to for message in sent] == [["stan@example.com"]]


def test_the_delay_grows_and_after_three_days_a_mail_is_given_up(clock, server, queued):
    server.away = OUTAGE
    delays = []
    while (kept := row(queued)).state == State.QUEUED:
        clock.move_to(kept.due_at)
        began = kept.due_at
        outcomes()
        if (kept := row(queued)).state == State.QUEUED:
            delays.append(kept.due_at - began)
    minutes = [delay / timedelta(minutes=1) for delay in delays]
    assert minutes == [2**n for n in range(9)] + [360] * 10
    assert timedelta(days=2.5) < sum(delays, timedelta()) < timedelta(days=3)
    assert (kept.state, kept.attempts) == (State.FAILED, delivery.MAX_ATTEMPTS)
    clock.shift(timedelta(days=30))
    assert outcomes() == []


def test_a_retry_has_a_new_token_whose_time_starts_then(clock, server, queued):
    server.refusing = smtplib.SMTPServerDisconnected("gone")
    outcomes()
    server.refusing = None
    clock.shift(timedelta(hours=2))
    token = token_in(the_letter())
    first, second = OneTimeToken.objects.order_by("id")
    assert first.digest != second.digest
    assert second.expires_at == START + timedelta(hours=3)
    assert token


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (REFUSAL, "SMTPRecipientsRefused 550"),
        (smtplib.SMTPDataError(554, b"olga@example.com is spam"), "SMTPDataError 554"),
        (smtplib.SMTPAuthenticationError(535, b"wrong: hunter2"), "SMTPAuthenticationError 535"),
        (TimeoutError("timed out"), "TimeoutError"),
        (ValueError("Header values can't contain newlines (got 'olga@example.com')"), "ValueError"),
    ],
)
def test_neither_logs_nor_rows_repeat_what_a_mail_server_says(server, queued, caplog, error, told):
    server.refusing = error
    with caplog.at_level(logging.WARNING, "accounts.mails"):
        outcomes()
    assert row(queued).error == told
    assert caplog.messages == [f"mail {queued.pk} not sent, attempt 1: {told}"]


# A process that dies


class Died(BaseException):
    """As a process does: nobody handles it."""


def test_a_mail_whose_process_died_while_sending_is_not_sent_again_by_itself(clock, server, queued):
    server.refusing = Died()
    with pytest.raises(Died):
        outcomes()
    server.refusing = None
    kept = row(queued)
    assert (kept.state, kept.attempts, kept.claimed_at) == (State.SENDING, 1, START)
    clock.shift(timedelta(days=1))
    assert outcomes() == []
    assert list(Mail.objects.interrupted()) == [kept]

    assert delivery.retry_interrupted() == 1

    assert outcomes() == [Outcome.SENT]


def test_a_mail_that_is_just_being_sent_is_not_taken_for_interrupted(clock, server, queued):
    server.refusing = Died()
    with pytest.raises(Died):
        outcomes()
    clock.shift(timedelta(minutes=9))
    assert delivery.retry_interrupted() == 0
    assert row(queued).state == State.SENDING


def test_the_claim_is_committed_before_the_mail_server_hears_of_it(server, queued, monkeypatch):
    seen = []
    monkeypatch.setattr(
        server, "send_messages", lambda self, messages: seen.append((row(queued).state, row(queued).claimed_at))
    )
    outcomes()
    ((state, claimed_at),) = seen
    assert state == State.SENDING
    assert claimed_at is not None


def test_who_comes_back_late_does_not_overwrite_what_others_did(clock, server, queued):
    """A sender that slept over its claim, while an operator had the mail sent again."""

    def slow(self, messages):
        clock.shift(timedelta(hours=1))
        delivery.retry_interrupted()
        raise smtplib.SMTPServerDisconnected("gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "send_messages", slow)
        next(delivery.deliver())
    assert (row(queued).state, row(queued).attempts, row(queued).error) == (State.QUEUED, 0, "")


# What is no longer called for


def test_what_is_nobodys_is_thrown_away(cast):
    mails.request_reset(email="nobody@example.com")
    assert outcomes() == [Outcome.DROPPED]
    assert not Mail.objects.exists()


def test_mails_go_with_their_user(cast, queued):
    users.delete(actor=None, user_id=cast.owner.pk)
    assert outcomes() == []


@pytest.mark.parametrize(
    "change",
    [{"active": False}, {"password": None}, {"email": "new@example.com"}],
    ids=str,
)
def test_a_reset_that_would_not_work_is_not_sent(cast, queued, change):
    users.update(actor=None, user_id=cast.owner.pk, **change)
    assert outcomes()[0] == Outcome.DROPPED
    assert not Mail.objects.filter(kind=Mail.Kind.PASSWORD_RESET).exists()


def test_a_proof_that_is_there_is_not_asked_for(cast):
    mails.request_verification(actor=None, user_id=cast.owner.pk)
    users.update(actor=None, user_id=cast.owner.pk, email_verified=True)
    assert outcomes() == [Outcome.DROPPED]


# Once more


def test_what_was_given_up_can_be_queued_once_more(cast, queued):
    Mail.objects.update(state=State.FAILED, attempts=20)
    mails.request_reset(email="stan@example.com")
    assert delivery.retry_failed() == 1
    assert outcomes() == [Outcome.SENT] * 2
    assert row(queued).attempts == 1


def test_one_of_them_too_and_nothing_else(cast, queued):
    with pytest.raises(Invalid, match="was not given up"):
        delivery.send_again(actor=cast.administrator, mail=queued)
    Mail.objects.update(state=State.FAILED)
    delivery.send_again(actor=cast.administrator, mail=queued)
    assert row(queued).state == State.QUEUED
    event = Event.objects.get(action="mail.requeued")
    assert (event.actor_id, event.target_id) == (cast.administrator.pk, cast.owner.pk)


def test_sent_mails_are_kept_a_month_and_others_as_long_as_they_are_of_use(clock, cast):
    for email in ("olga", "stan", "otto", "nobody"):
        mails.request_reset(email=f"{email}@example.com")
    olga, stan, otto, _ = Mail.objects.order_by("id")
    Mail.objects.filter(pk=olga.pk).update(state=State.SENT, sent_at=START - timedelta(days=31))
    Mail.objects.filter(pk=stan.pk).update(state=State.SENT, sent_at=START - timedelta(days=29))
    clock.shift(timedelta(hours=2))
    assert mails.forget() == 2
    assert list(Mail.objects.order_by("id")) == [stan, otto]


def test_a_queue_of_thousands_is_looked_at_in_one_query(cast, django_assert_num_queries):
    Mail.objects.bulk_create(
        Mail(kind=Mail.Kind.INVITATION, user=cast.owner, address="x", state=State.SENT) for _ in range(500)
    )
    UserFactory()
    with django_assert_num_queries(1):
        assert outcomes() == []
