"""A new client."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clients.models import Client
from clients.services import clients
from usermgmt.errors import Invalid


class Command(BaseCommand):
    help = "Make a client and print its number, alone on the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="unique, without regard to case")
        parser.add_argument(
            "--exist-ok", action="store_true", help="if there is one of that name, print its number instead of failing"
        )

    def handle(self, *args: Any, name: str, exist_ok: bool, **options: Any) -> None:
        present = Client.objects.named(name).first() if exist_ok else None
        try:
            client = present or clients.create(actor=None, name=name)
        except Invalid as refusal:
            raise CommandError(f"{refusal}.") from refusal
        self.stdout.write(str(client.pk))
