"""Django's `changepassword`, through the service: with the policy, an audit row, and the death of every token."""

from argparse import BooleanOptionalAction
from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.core.management.base import CommandError, CommandParser

from accounts import passwords
from accounts.management.named_user import user_named
from accounts.services import users
from usermgmt.errors import Invalid

TRIES = 3


class Command(changepassword.Command):
    help = "Give a user another password; it is asked for. Every sign-in of the user ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="whose password it is")
        parser.add_argument(
            "--must-change",
            action=BooleanOptionalAction,
            help="whether the user must choose another one before anything else; if not said,"
            " CHOSEN_PASSWORDS_MUST_CHANGE does. --no-must-change is for your own.",
        )

    def handle(self, *args: Any, email: str, must_change: bool | None, **options: Any) -> None:
        if must_change is None:
            must_change = passwords.must_change(staff=True)
        user = user_named(email)
        for _ in range(TRIES):
            password = self._get_pass()  # type: ignore[attr-defined]  # the stubs leave it out
            if password != self._get_pass("Password (again): "):  # type: ignore[attr-defined]
                self.stderr.write("The two are not the same. Try again.")
                continue
            try:
                users.update(actor=None, user_id=user.pk, password=password, must_change_password=must_change)
            except Invalid as refusal:
                self.stderr.write(f"{refusal}. Try again.")
            else:
                duty = " It must be changed at the next sign-in." if must_change else ""
                self.stdout.write(f"Password of {user.email} changed.{duty}")
                return
        raise CommandError(f"Given up after {TRIES} tries.")
