"""Django's `changepassword`, through the service: with the policy, an audit row, and the death of every token."""

from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.core.management.base import CommandError, CommandParser

from accounts.models import User
from accounts.services import users
from usermgmt.errors import Invalid

TRIES = 3


class Command(changepassword.Command):
    help = "Give a user another password; it is asked for. Every sign-in of the user ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user: User | None = User.objects.with_email(email).first()
        if user is None:
            raise CommandError(f"There is no user with the address {email}.")
        for _ in range(TRIES):
            password = self._get_pass()  # type: ignore[attr-defined]  # the stubs leave it out
            if password != self._get_pass("Password (again): "):  # type: ignore[attr-defined]
                self.stderr.write("The two are not the same. Try again.")
                continue
            try:
                users.update(actor=None, user_id=user.pk, password=password)
            except Invalid as refusal:
                self.stderr.write(f"{refusal}. Try again.")
            else:
                self.stdout.write(f"Password of {user.email} changed.")
                return
        raise CommandError(f"Given up after {TRIES} tries.")
