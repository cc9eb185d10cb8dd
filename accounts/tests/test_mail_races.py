"""Links and mails when many come at once, on either database."""

import threading
from collections import Counter

import pytest
from django.core import mail

from accounts import passwords
from accounts.models import Event, Mail, OneTimeToken, Purpose, User
from accounts.services import delivery, mails, one_time_tokens, sign_ins, users
from accounts.tests.callers import caller
from accounts.tests.factories import UserFactory
from accounts.tests.test_races import CROWD, at_once, posting, repeated
from usermgmt.errors import InvalidCredentials, TooManyRequests

pytestmark = pytest.mark.django_db(transaction=True)


@repeated()
def test_of_twelve_with_one_token_one_sets_the_password():
    user = UserFactory(email="olga@example.com")
    token = one_time_tokens.issue(user=user, purpose=Purpose.PASSWORD_RESET)
    chosen = [f"a quite different passphrase {n}" for n in range(CROWD)]
    answers = at_once(
        *(
            posting(
                caller(),
                "/auth/password/reset/confirm",
                {"token": token, "password": password, "password_confirmation": password},
            )
            for password in chosen
        )
    )
    statuses = [answer.status_code for answer in answers]
    assert Counter(statuses) == {200: 1, 422: CROWD - 1}
    winner = chosen[statuses.index(200)]
    assert sign_ins.verified_user(email="olga@example.com", password=winner) == user
    assert Event.objects.filter(action="password_reset.used").count() == 1
    assert User.objects.get().password_version == user.password_version + 1


@repeated()
def test_of_twelve_with_one_proof_one_is_told_that_it_served():
    user = UserFactory()
    token = one_time_tokens.issue(user=user, purpose=Purpose.EMAIL_VERIFICATION)
    answers = at_once(*(posting(caller(), "/auth/email/verify", {"token": token}) for _ in range(CROWD)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 422: CROWD - 1}
    assert Event.objects.filter(action="email_verification.used").count() == 1
    assert not OneTimeToken.objects.exists()


@repeated()
def test_twelve_tokens_of_one_user_set_one_password():
    user = UserFactory(email="olga@example.com")
    tokens = [one_time_tokens.issue(user=user, purpose=Purpose.PASSWORD_RESET) for _ in range(CROWD)]
    new = "a quite different passphrase"
    answers = at_once(
        *(
            posting(
                caller(),
                "/auth/password/reset/confirm",
                {"token": token, "password": new, "password_confirmation": new},
            )
            for token in tokens
        )
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 422: CROWD - 1}


@repeated()
def test_a_token_and_the_change_that_kills_it_do_not_both_win():
    user = UserFactory(email="olga@example.com")
    token = one_time_tokens.issue(user=user, purpose=Purpose.PASSWORD_RESET)
    new = "a quite different passphrase"
    body = {"token": token, "password": new, "password_confirmation": new}
    answer, _ = at_once(
        posting(caller(), "/auth/password/reset/confirm", body),
        lambda: users.update(actor=None, user_id=user.pk, password="an administrator's own choice"),
    )
    # Whoever came last is right; a token that lost changes nothing.
    if answer.status_code == 422:
        with pytest.raises(InvalidCredentials):
            sign_ins.verified_user(email="olga@example.com", password=new)
    assert not OneTimeToken.objects.exists()


@repeated()
def test_eight_senders_send_each_mail_once(settings):
    people = [UserFactory() for _ in range(20)]
    for user in people:
        mails.request_reset(email=user.email)
    mail.outbox.clear()
    came_of = at_once(*(lambda: Counter(delivery.deliver()) for _ in range(8)))
    assert sum(came_of, Counter()) == {delivery.Outcome.SENT: 20}
    assert sorted(letter.to[0] for letter in mail.outbox) == sorted(user.email for user in people)
    assert set(Mail.objects.values_list("state", "attempts")) == {(Mail.State.SENT, 1)}


def test_one_slow_mail_keeps_no_other_sender_waiting(monkeypatch):
    first, second = UserFactory(), UserFactory()
    for user in (first, second):
        mails.request_reset(email=user.email)
    mail.outbox.clear()
    slow, go_on = threading.Event(), threading.Event()
    send = mail.EmailMessage.send

    def sometimes_slow(self, fail_silently=False):
        if self.to == [first.email]:
            slow.set()
            assert go_on.wait(30)
        return send(self, fail_silently)

    monkeypatch.setattr(mail.EmailMessage, "send", sometimes_slow)

    def quick():
        assert slow.wait(30)
        try:
            return list(delivery.deliver())
        finally:
            go_on.set()

    slow_one, quick_one = at_once(lambda: list(delivery.deliver()), quick)
    assert slow_one == quick_one == [delivery.Outcome.SENT]
    assert [letter.to for letter in mail.outbox] == [[second.email], [first.email]]


@repeated()
def test_of_twelve_who_ask_for_one_account_three_are_served(settings):
    settings.MAILS_PER_HOUR = 3
    UserFactory(email="olga@example.com")
    from usermgmt.models import Counter as Counted

    Counted.objects.all().delete()
    answers = at_once(*(posting(caller(), "/auth/password/reset", {"email": "olga@example.com"}) for _ in range(CROWD)))
    assert Counter(answer.status_code for answer in answers) == {202: 3, 429: CROWD - 3}
    assert Mail.objects.count() == 3


@repeated()
def test_eight_senders_leave_the_password_of_the_mail_that_says_so():
    """Several mails with a password wait for each user; of each one comes true at most, and one does."""
    people = [UserFactory(email=f"nina{n}@example.com", username=f"nina{n}") for n in range(6)]
    for user in people:
        for _ in range(3):
            users.update(actor=None, user_id=user.pk, send_password=True)
    mail.outbox.clear()
    at_once(*(lambda: list(delivery.deliver()) for _ in range(8)))
    told: dict[str, list[str]] = {user.email: [] for user in people}
    for letter in mail.outbox:
        if letter.subject == "Your password for User Directory":
            told[letter.to[0]].append(letter.body.split("\n\n")[2])
    for user in people:
        stored = User.objects.get(pk=user.pk).password
        assert [passwords.verified(text, stored) for text in told[user.email]].count(True) == 1
    assert Event.objects.filter(action="password.mailed").count() == len(people)


@repeated()
def test_a_password_that_is_mailed_and_one_that_is_chosen_do_not_both_count():
    user = UserFactory(email="nina@example.com")
    users.update(actor=None, user_id=user.pk, send_password=True)
    new = "a quite different passphrase"
    at_once(
        lambda: list(delivery.deliver()),
        lambda: users.update(actor=None, user_id=user.pk, password=new),
    )
    # The choice is the last word whoever came first: a mail that was late changes nothing.
    assert sign_ins.verified_user(email="nina@example.com", password=new) == user


@repeated()
def test_of_twelve_who_ask_for_a_password_at_once_three_are_served(settings):
    settings.MAILS_PER_HOUR = 3
    user = UserFactory(email="nina@example.com")

    def asking():
        try:
            return users.update(actor=None, user_id=user.pk, send_password=True).version
        except TooManyRequests:
            return None

    served = at_once(*[asking] * CROWD)
    assert sorted(version for version in served if version is not None) == [2, 3, 4]
    assert Mail.objects.filter(kind=Mail.Kind.RANDOM_PASSWORD).count() == 3
