"""The first administrator of a new directory."""

import os
import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management.first_password import policy_for
from accounts.models import User
from accounts.services import users
from usermgmt.errors import Invalid

DEFAULT_EMAIL = "admin@example.com"
MADE_PASSWORD_BYTES = 15


class Command(BaseCommand):
    help = (
        "Make an administrator if there is none, from DJANGO_SUPERUSER_EMAIL and DJANGO_SUPERUSER_PASSWORD;"
        " what is not set is made up and shown once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        email = os.environ.get("DJANGO_SUPERUSER_EMAIL", "").strip()
        if email and User.objects.with_email(email).exists():
            self.stdout.write(f"{email} is there already; its password is as it was.")
            return
        if not email and User.objects.active_administrators().exists():
            self.stdout.write("There is an administrator already.")
            return
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
