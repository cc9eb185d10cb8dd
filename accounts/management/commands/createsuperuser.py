"""Django's `createsuperuser`, with the directory's rules told as messages instead of traces."""

import os
from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.core.management.base import CommandError

from accounts.management.first_password import policy_for
from usermgmt.errors import Invalid


class Command(createsuperuser.Command):
    help = "Make an administrator: a user of no client."

    def handle(self, *args: Any, **options: Any) -> None:
        password = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
        if not options["interactive"]:
            if not password:
                raise CommandError("DJANGO_SUPERUSER_PASSWORD is not set; nobody could sign in.")
            email = options["email"] or os.environ.get("DJANGO_SUPERUSER_EMAIL", "")
            policy_for(password, email=email, warnings=self.stderr)
        try:
            super().handle(*args, **options)
        except Invalid as refusal:
            raise CommandError(f"{refusal}.") from refusal
