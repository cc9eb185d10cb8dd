"""Django's `flush`, which empties every table: the audit trail, too, and so not in service."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import flush

from accounts import trail


class Command(flush.Command):
    help = "Empty the database, in a development run."

    def handle(self, **options: Any) -> None:
        if not (settings.DEVELOPMENT or settings.DEBUG):
            raise CommandError("In service nothing empties the audit trail. Drop the database instead.")
        with trail.opened(trail.EMPTYING, using=options["database"]):
            super().handle(**options)
