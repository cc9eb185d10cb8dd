"""What mails say: their subjects, texts and links, from `templates/mail/` (native contract 7)."""

from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import Mail, Purpose, User
from accounts.services import one_time_tokens

PAGES = {
    Purpose.PASSWORD_RESET: "reset-password",
    Purpose.EMAIL_VERIFICATION: "verify-email",
    Purpose.INVITATION: "accept-invitation",
}
"""Purpose to the name of the page that its link leads to."""

_UNITS = (("day", 24 * 3600), ("hour", 3600), ("minute", 60))
# Nobody's programme should answer a mail that a programme wrote (RFC 3834 5).
_HEADERS = {"Auto-Submitted": "auto-generated"}


def write(mail: Mail, user: User, token: str | None, password: str | None = None) -> EmailMultiAlternatives:
    """The mail as it goes out: text and HTML. token: for the link, where the mail has one. password: where it tells
    one.

    To the bare address: a name of somebody's choosing belongs into no header.
    """
    context = {
        "site_name": settings.SITE_NAME,
        "name": user.name,
        "address": mail.address,
        "username": user.username,
        "place": _place(),
        "password": password,
    }
    if token is not None:
        purpose = Purpose(mail.kind)
        context |= {"link": link(purpose, token), "lifetime": in_words(one_time_tokens.lifetime(purpose))}
    subject = render_to_string(f"mail/{mail.kind}.subject.txt", context)
    letter = EmailMultiAlternatives(
        subject=" ".join(subject.split()),
        body=render_to_string(f"mail/{mail.kind}.txt", context),
        to=[mail.address],
        headers=_HEADERS,
    )
    letter.attach_alternative(render_to_string(f"mail/{mail.kind}.html", context), "text/html")
    return letter


def link(purpose: Purpose, token: str) -> str:
    """Where the holder of a token goes: a page of ours, or of the application at PUBLIC_APP_URL. Never by the
    Host header of whoever asked for the mail."""
    return f"{_place()}{reverse(PAGES[purpose])}?{urlencode({'token': token})}"


def in_words(lifetime: timedelta) -> str:
    """As people say it: "1 hour", "3 days", "90 minutes"."""
    seconds = int(lifetime.total_seconds())
    for unit, length in _UNITS:
        if seconds % length == 0 or unit == "minute":
            count = seconds // length
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    raise AssertionError("the last unit takes whatever is left")


def _place() -> str:
    place: str = settings.PUBLIC_APP_URL or settings.PUBLIC_URL
    return place
