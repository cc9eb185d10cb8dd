"""The index of searches, where the migration could not make it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connection

from accounts import trigrams


class Command(BaseCommand):
    help = "Make the index that searches for users go by on PostgreSQL; writes to users wait meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="only tell whether it is there: the exit code is 1 if not"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        if connection.vendor != "postgresql":
            self.stdout.write("SQLite has no such index.")
            return
        if trigrams.exists(DEFAULT_DB_ALIAS):
            self.stdout.write("The index is there.")
            return
        if check:
            raise CommandError("There is no index: searches read all users.")
        reason = trigrams.make(DEFAULT_DB_ALIAS)
        if reason is not None:
            raise CommandError(f"The index could not be made: {reason}")
        self.stdout.write("The index was made.")
