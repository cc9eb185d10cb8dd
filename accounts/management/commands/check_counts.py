"""Whether the numbers of users that the database keeps are so."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS

from accounts import counts
from accounts.counts import Difference


class Command(BaseCommand):
    help = "Compare the numbers of users that the database keeps for lists with the users that there are."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--mend", action="store_true", help="count anew where they differ; writes to users wait meanwhile"
        )

    def handle(self, *args: Any, mend: bool, **options: Any) -> None:
        found = counts.differences(DEFAULT_DB_ALIAS)
        for difference in found:
            self.stdout.write(f"{_group(difference)}: {difference.so}, and {difference.kept} are kept.")
        if not found:
            self.stdout.write("All numbers are right.")
        elif mend:
            counts.mend(DEFAULT_DB_ALIAS)
            self.stdout.write(f"Mended {len(found)} numbers.")
        else:
            raise CommandError(f"{len(found)} numbers are wrong: --mend counts anew.")


def _group(found: Difference) -> str:
    users = "Active users" if found.active else "Inactive users"
    if found.first is not None:
        return f"{users} of the numbers {found.first} to {found.last}"
    match found.client_id:
        case None:
            return users
        case 0:
            return f"{users} of no client"
        case number:
            return f"{users} of client {number}"
