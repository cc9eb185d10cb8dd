"""A new type of records."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import RecordType
from accounts.services import record_types
from usermgmt.errors import Invalid


class Command(BaseCommand):
    help = "Define a type of profiles, relationships or transactables; prints its number, alone on the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=RecordType.Kind.values)
        parser.add_argument("name", metavar="NAME", help="letters, digits, _ and -")
        parser.add_argument(
            "properties",
            nargs="*",
            metavar="PROPERTY:TYPE",
            help=f"what its records hold ({', '.join(RecordType.PropertyType.values)}); none: whatever is sent",
        )
        parser.add_argument(
            "--exist-ok", action="store_true", help="if there is one of that name, print its number instead of failing"
        )

    def handle(self, *args: Any, kind: str, name: str, properties: list[str], exist_ok: bool, **options: Any) -> None:
        definitions = {}
        for text in properties:
            property_name, _, type_ = text.partition(":")
            definitions[property_name] = {"type": type_}
        present = RecordType.objects.filter(kind=kind, name=name).first() if exist_ok else None
        try:
            made = present or record_types.create(actor=None, kind=kind, name=name, properties=definitions)
        except Invalid as refusal:
            raise CommandError(f"{refusal}.") from refusal
        self.stdout.write(str(made.pk))
