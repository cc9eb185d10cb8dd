"""Mails as tests see them: sent, opened, and the links in them followed."""

import re
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core import mail

from accounts.services import delivery


def arrived() -> list[Any]:
    """What arrives when the queue is looked after once; earlier mails are put away."""
    mail.outbox.clear()
    list(delivery.deliver())
    return list(mail.outbox)


def the_letter() -> Any:
    """The one mail that arrives."""
    (letter,) = arrived()
    return letter


def link_in(letter: Any) -> str:
    """The link in a mail; its text and its HTML have the same one."""
    (link,) = re.findall(r"^(https?://\S+)$", letter.body, re.MULTILINE)
    (html,) = [content for content, kind in letter.alternatives if kind == "text/html"]
    assert set(re.findall(r'href="([^"]+)"', html)) == {link}
    return str(link)


def token_in(letter: Any) -> str:
    """The token in the link of a mail."""
    (token,) = parse_qs(urlsplit(link_in(letter)).query)["token"]
    return token


def headers_of(letter: Any) -> EmailMessage:
    """The mail as it goes over the wire."""
    return letter.message()
