"""The end of a token."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services import api_tokens
from usermgmt.errors import NotFound
from usermgmt.http.ids import is_id


class Command(BaseCommand):
    help = "Revoke an API token; no call is opened by it from then on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", help="as create_token and list_tokens tell it")

    def handle(self, *args: Any, number: str, **options: Any) -> None:
        if not is_id(number):
            raise CommandError("By its number, please, which manage.py list_tokens tells; never by the token itself.")
        try:
            api_tokens.revoke(actor=None, token_id=int(number))
        except NotFound as error:
            raise CommandError(
                f"There is no token {number}, or it is revoked already; manage.py list_tokens tells which there are."
            ) from error
        self.stdout.write(f"Token {number} revoked.")
