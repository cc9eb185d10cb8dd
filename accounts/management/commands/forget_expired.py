"""Housekeeping."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from accounts.services import sign_ins


class Command(BaseCommand):
    help = "Delete sign-ins and sessions that are past; run it daily."

    def handle(self, *args: Any, **options: Any) -> None:
        count = sign_ins.forget_expired()
        call_command("clearsessions")
        self.stdout.write(f"Forgot {count} sign-ins.")
