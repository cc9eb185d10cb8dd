"""Housekeeping."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from accounts.services import api_tokens, familiar_addresses, mails, one_time_tokens, sign_ins
from usermgmt.http import counters, idempotency


class Command(BaseCommand):
    help = (
        "Delete what is past: sign-ins, sessions, links, API tokens, mails that were sent, addresses of sign-ins,"
        " stored answers, counters; run it daily."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        forgotten = {
            "sign-ins": sign_ins.forget_expired(),
            "links": one_time_tokens.forget_expired(),
            "mails": mails.forget(),
            "API tokens": api_tokens.forget_expired(),
            "addresses": familiar_addresses.forget_expired(),
            "stored answers": idempotency.forget_expired(),
            "counters": counters.forget_past(),
        }
        call_command("clearsessions")
        self.stdout.write(f"Forgot {', '.join(f'{count} {what}' for what, count in forgotten.items())}.")
