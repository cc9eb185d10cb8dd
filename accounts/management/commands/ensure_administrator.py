"""The first administrator of a new directory."""

import os
import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.management.first_password import policy_for
from accounts.models import User
from accounts.services import users
from usermgmt.errors import Invalid

DEFAULT_EMAIL = "admin@example.com"
MADE_PASSWORD_BYTES = 15
GIVEN_PASSWORD = "YOUR-PASSWORD"  # in the call that is shown; a chosen one goes to no terminal and no log


class Command(BaseCommand):
    help = (
        "Make an administrator if there is none, from DJANGO_SUPERUSER_EMAIL and DJANGO_SUPERUSER_PASSWORD;"
        " what is not set is made up and shown once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", help="where the server will be: show a first call to it")

    def handle(self, *args: Any, url: str | None, **options: Any) -> None:
        email, password = self._ensure()
        if url:
            body = f'{{"email": "{email}", "password": "{password}"}}'
            self.stdout.write("Try it:")
            self.stdout.write(f"  curl -s {url}/auth/token -H 'Content-Type: application/json' -d '{body}'")

    def _ensure(self) -> tuple[str, str]:
        """The administrator's address, and the password as a call may show it."""
        email = os.environ.get("DJANGO_SUPERUSER_EMAIL", "").strip()
        named: User | None = User.objects.with_email(email).first() if email else None
        if named is not None and not (named.is_superuser and named.is_active):
            raise CommandError(f"{email} is there already, but is no active administrator. Name somebody else.")
        if named is not None:
            self.stdout.write(
                f"{email} is there already; its password is as it was."
                f" Another one: manage.py changepassword --no-must-change {email}"
            )
            return email, GIVEN_PASSWORD
        present = None if email else User.objects.active_administrators().first()
        if present is not None:
            self.stdout.write(f"There is an administrator already: {present.email}")
            return present.email, GIVEN_PASSWORD
        email = email or DEFAULT_EMAIL
        given = os.environ.get("DJANGO_SUPERUSER_PASSWORD", "")
        password = given or secrets.token_urlsafe(MADE_PASSWORD_BYTES)
        try:
            users.create(
                actor=None,
                client_id=None,
                name=email.partition("@")[0],
                email=email,
                password=password,
                password_policy=policy_for(password, email=email, warnings=self.stderr),
            )
        except Invalid as refusal:
            raise CommandError(f"{refusal}.") from refusal
        shown = "the one in DJANGO_SUPERUSER_PASSWORD" if given else f"{password}  (shown only now)"
        self.stdout.write(f"Administrator {email} made; the password is {shown}")
        return email, GIVEN_PASSWORD if given else password
