"""Mail servers as tests need them: backends for EMAIL_BACKEND."""

import smtplib
from typing import ClassVar

from django.core.mail.backends.locmem import EmailBackend


class Server(EmailBackend):
    """Takes mails into `django.core.mail.outbox`, unless it is away or refuses."""

    PATH = "accounts.tests.servers.Server"
    away: ClassVar[Exception | None] = None  # nobody answers
    refusing: ClassVar[Exception | None] = None  # it answers no
    taken: ClassVar[int] = 0  # connections

    is_open = False

    def open(self) -> bool:
        if self.is_open:
            return False
        if type(self).away is not None:
            raise type(self).away
        type(self).taken += 1
        self.is_open = True
        return True

    def close(self) -> None:
        self.is_open = False

    def send_messages(self, messages):
        if type(self).refusing is not None:
            raise type(self).refusing
        return super().send_messages(messages)


REFUSAL = smtplib.SMTPRecipientsRefused({"olga@example.com": (550, b"no <olga@example.com> here, secret")})
OUTAGE = ConnectionRefusedError(111, "Connection refused")
