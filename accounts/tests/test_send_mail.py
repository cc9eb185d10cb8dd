"""`manage.py send_mail`."""

import io
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.models import Mail, OneTimeToken, SignIn
from accounts.services import mails, one_time_tokens
from accounts.tests.servers import OUTAGE, Server

State = Mail.State


@pytest.fixture
def queue(cast):
    """`queue("olga", ...)`: mails that are due."""

    def ask(*names, **changes):
        for name in names:
            mails.request_reset(email=f"{name}@example.com")
        if changes:
            Mail.objects.order_by("-id").filter(user__email__in=[f"{name}@example.com" for name in names]).update(
                **changes
            )

    return ask


@pytest.fixture
def away(settings, monkeypatch):
    settings.EMAIL_BACKEND = Server.PATH
    monkeypatch.setattr(Server, "away", OUTAGE)


def run(*arguments):
    """What the command says to standard output and to standard error."""
    out, err = io.StringIO(), io.StringIO()
    call_command("send_mail", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def states():
    return list(Mail.objects.order_by("id").values_list("state", flat=True))


def test_it_sends_what_is_due_and_says_how_many(queue):
    queue("olga", "stan")
    queue("otto", due_at=timezone.now() + timedelta(hours=1))
    assert run() == ("Sent 2 mails.\n", "")
    assert sorted(letter.to[0] for letter in mail.outbox) == ["olga@example.com", "stan@example.com"]
    assert run() == ("Sent 0 mails.\n", "")


def test_a_dry_run_says_how_many_and_sends_none(queue):
    queue("olga")
    queue("stan", state=State.FAILED)
    queue("otto", state=State.SENDING, claimed_at=timezone.now() - timedelta(hours=1))
    before = list(Mail.objects.values())
    assert run("--dry-run")[0] == "Would send 1 mail.\n"
    assert run("--dry-run", "--retry-failed")[0] == "Would send 2 mails.\n"
    assert run("--dry-run", "--retry-failed", "--interrupted") == ("Would send 3 mails.\n", "")
    assert (list(Mail.objects.values()), mail.outbox) == (before, [])
    assert not OneTimeToken.objects.exists()


def test_a_mail_server_that_is_away_is_an_error_and_loses_nothing(queue, away):
    queue("olga", "stan")
    with pytest.raises(CommandError, match=r"^Not sent: 1 mail to be tried again, 0 given up, 1 not tried\."):
        run()
    assert states() == [State.QUEUED] * 2


def test_what_was_given_up_is_sent_when_asked_for(queue):
    queue("olga", state=State.FAILED, attempts=20)
    assert run()[0] == "Sent 0 mails.\n"
    assert run("--retry-failed")[0] == "Sent 1 mail.\n"
    assert states() == [State.SENT]


def test_what_was_interrupted_is_told_and_sent_only_when_asked_for(queue):
    queue("olga", state=State.SENDING, claimed_at=timezone.now() - timedelta(hours=1))
    told, warned = run()
    assert told == "Sent 0 mails.\n"
    assert warned.startswith("1 mail may have gone out or not")
    assert run("--interrupted") == ("Sent 1 mail.\n", "")


def test_without_a_mail_server_it_says_so_and_they_wait(queue, settings):
    settings.EMAIL_URL = ""
    queue("olga")
    with pytest.raises(CommandError, match="EMAIL_URL is not set"):
        run()
    assert states() == [State.QUEUED]
    assert run("--dry-run")[0] == "Would send 1 mail.\n"  # this much can be said


def test_what_is_past_is_forgotten_with_the_rest(cast):
    one_time_tokens.issue(user=cast.owner, purpose="password_reset")
    OneTimeToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    mails.request_reset(email="olga@example.com")
    Mail.objects.update(state=State.SENT, sent_at=timezone.now() - timedelta(days=31))
    out = io.StringIO()
    call_command("forget_expired", stdout=out)
    assert out.getvalue().startswith("Forgot 0 sign-ins, 1 links, 1 mails, ")
    assert not (OneTimeToken.objects.exists() or Mail.objects.exists() or SignIn.objects.exists())


def test_in_a_development_run_mails_are_files(queue, settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    queue("olga")
    assert run()[0] == "Sent 1 mail.\n"
    (file,) = (tmp_path / "mail").iterdir()
    assert "To: olga@example.com" in file.read_text()
    assert "/password/reset?token=" in file.read_text()
