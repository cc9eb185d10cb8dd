"""The erasure of a person."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.management.named_user import find, unknown
from accounts.services import erasure
from usermgmt.errors import Invalid, NotFound
from usermgmt.http.ids import is_id


class Command(BaseCommand):
    help = (
        "Erase a person (GDPR 17), for good: a tombstone keeps the number, the audit trail stays without the person's"
        " names and addresses."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", metavar="EMAIL|ID")
        parser.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, user: str, dry_run: bool, yes: bool, **options: Any) -> None:
        named = find(user)
        if named is None and not is_id(user):
            raise unknown(user)
        user_id = int(user) if named is None else named.pk
        if not (dry_run or yes or (named is not None and named.erased_at is not None)):
            self._ask(f"the deleted user {user_id}" if named is None else named.name, user)
        try:
            counts = erasure.erase(actor=None, user_id=user_id, dry_run=dry_run)
        except NotFound as error:
            raise unknown(user) from error
        except Invalid as refusal:
            raise CommandError(f"{refusal}.") from refusal
        if not counts:
            self.stdout.write(f"User {user_id} was erased already.")
            return
        told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count)
        self.stdout.write(f"{'Would erase' if dry_run else 'Erased'} user {user_id}{f': {told}' if told else ''}.")

    def _ask(self, person: str, named: str) -> None:
        if not sys.stdin.isatty():
            raise CommandError("Nobody is there to be asked: say --yes, or look first with --dry-run.")
        answer = input(f"This can't be undone. Type {named} once more to erase {person}: ")
        if answer.strip() != named:
            raise CommandError("Nothing was erased.")
