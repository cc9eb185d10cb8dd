"""Sending what the queue holds: each mail at most once, however many processes look after it (native contract 7).

A mail is claimed, and the claim committed, before the mail server hears of it. Who dies after that leaves it
claimed: nobody knows whether it went out, so nobody sends it again unasked.
"""

import logging
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from django.core.mail import EmailMessage, get_connection
from django.db import connection, transaction
from django.utils import timezone

from accounts import emails, letters
from accounts.models import Mail, Purpose, User
from accounts.models.mail import MailQuerySet
from accounts.services import mailed_passwords, one_time_tokens
from accounts.services.mailed_passwords import MailedPassword
from usermgmt import audit
from usermgmt.actor import Actor
from usermgmt.errors import BASE, Fault, Invalid

logger = logging.getLogger("accounts.mails")

FIRST_DELAY = timedelta(minutes=1)  # before the second attempt; doubled each time
LONGEST_DELAY = timedelta(hours=6)
MAX_ATTEMPTS = 20  # 1, 2, 4 ... 256 minutes, then every 6 hours: given up after about three days

REFUSALS = (smtplib.SMTPException, OSError, ValueError)
"""What mail servers, their absence, and mails that are no mails raise."""

_NEWS = (Mail.Kind.PASSWORD_CHANGED, Mail.Kind.EMAIL_CHANGED)
_ERROR_LENGTH = 255  # characters


@dataclass(frozen=True, slots=True)
class _Made:
    """A mail as it goes out. password: the one in it, which becomes the user's once it is out."""

    letter: EmailMessage
    password: MailedPassword | None = None


class Outcome(Enum):
    """What came of a mail."""

    SENT = "sent"
    DELAYED = "delayed"  # to be tried again
    FAILED = "failed"  # given up
    DROPPED = "dropped"  # nobody is to get it any more


def deliver() -> Iterator[Outcome]:
    """Send what is due, one mail after another, until nothing is left or the mail server is away."""
    server = get_connection()
    try:
        while (mail := _claimed()) is not None:
            made = _made(mail)
            if made is None:
                mail.delete()
                yield Outcome.DROPPED
                continue
            try:
                server.open()
            except REFUSALS as error:
                yield _put_back(mail, error)
                return  # the others stay as they are, so that an outage costs none of them an attempt
            made.letter.connection = server
            try:
                made.letter.send()
            except REFUSALS as error:
                server.close()  # it may be in the middle of something
                yield _put_back(mail, error)
            else:
                _note_sent(mail, made.password)
                yield Outcome.SENT
    finally:
        server.close()


def retry_failed() -> int:
    """Queue what was given up once more; gives how many."""
    return _requeue(Mail.objects.failed())


def retry_interrupted() -> int:
    """Queue what was being sent when its process died; some may have gone out. Gives how many."""
    return _requeue(Mail.objects.interrupted())


def send_again(*, actor: Actor | None, mail: Mail) -> None:
    """Queue one that was given up once more. Raises Invalid for any other."""
    with transaction.atomic():
        if not _requeue(Mail.objects.failed().filter(pk=mail.pk)):
            raise Invalid([Fault(BASE, "not_failed")])
        audit.record(actor=actor, action="mail.requeued", target=("user", mail.user_id))


def _requeue(mails: MailQuerySet) -> int:
    return mails.update(state=Mail.State.QUEUED, due_at=timezone.now(), attempts=0)


def _claimed() -> Mail | None:
    """The next mail that is due, marked as ours; None if there is none."""
    while Mail.objects.due().exists():  # asked first: on SQLite a transaction keeps all other writers out
        with transaction.atomic():
            mail: Mail | None = (
                Mail.objects.due()
                .select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
                .order_by("due_at", "id")
                .first()
            )
            if mail is None:
                return None  # others are at those that are left
            mail.claimed_at = timezone.now()
            mail.attempts += 1
            ours = Mail.objects.filter(pk=mail.pk, state=Mail.State.QUEUED).update(
                state=Mail.State.SENDING, claimed_at=mail.claimed_at, attempts=mail.attempts
            )
        if ours:
            return mail
    return None


def _made(mail: Mail) -> _Made | None:
    """The mail as it goes out, with a new token or password in it; None if it is no longer called for."""
    user: User | None = User.objects.filter(pk=mail.user_id).first() if mail.user_id is not None else None
    if user is None or not _is_called_for(mail, user):
        return None
    if mail.kind == Mail.Kind.RANDOM_PASSWORD:
        password = mailed_passwords.made(user)
        return _Made(letters.write(mail, user, None, password.text), password)
    token = None
    if mail.kind in Purpose.values:
        token = one_time_tokens.issue(user=user, purpose=Purpose(mail.kind))
    return _Made(letters.write(mail, user, token))


def _is_called_for(mail: Mail, user: User) -> bool:
    """Whether what the mail says, or offers, is still so; much may have changed while it waited."""
    if mail.kind in _NEWS:
        return True  # what happened, happened
    if not user.is_active or emails.canonical(mail.address) != user.email_canonical:
        return False
    match mail.kind:
        case Mail.Kind.PASSWORD_RESET:
            return user.has_usable_password()
        case Mail.Kind.INVITATION | Mail.Kind.RANDOM_PASSWORD:
            return not user.has_usable_password()
        case Mail.Kind.EMAIL_VERIFICATION:
            return not user.email_verified
        case _:
            return True


def _put_back(mail: Mail, error: Exception) -> Outcome:
    """Queue the mail for later, or give it up."""
    told = _told(error)
    logger.warning("mail %s not sent, attempt %s: %s", mail.pk, mail.attempts, told)
    if mail.attempts >= MAX_ATTEMPTS:
        _settle(mail, state=Mail.State.FAILED, error=told)
        return Outcome.FAILED
    delay = min(FIRST_DELAY * 2 ** (mail.attempts - 1), LONGEST_DELAY)
    _settle(mail, state=Mail.State.QUEUED, due_at=timezone.now() + delay, error=told)
    return Outcome.DELAYED


def _note_sent(mail: Mail, password: MailedPassword | None) -> None:
    """Write that the mail server took the mail, and with that the password that it tells."""
    with transaction.atomic():
        if password is not None and not mailed_passwords.keep(password):
            logger.warning("mail %s sent, but its password is not the user's: they changed meanwhile", mail.pk)
        _settle(mail, state=Mail.State.SENT, sent_at=timezone.now(), error="")


def _settle(mail: Mail, **values: object) -> None:
    """Write what came of it, unless somebody took the claim away meanwhile."""
    Mail.objects.filter(pk=mail.pk, state=Mail.State.SENDING, claimed_at=mail.claimed_at).update(**values)


def _told(error: Exception) -> str:
    """The error without anybody's words in it: those of mail servers repeat addresses."""
    codes: list[object] = []
    if isinstance(error, smtplib.SMTPResponseException):
        codes = [error.smtp_code]
    elif isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    elif isinstance(error, OSError) and error.strerror:
        codes = [error.strerror]
    return " ".join([type(error).__name__, *map(str, codes)])[:_ERROR_LENGTH]
