"""The audit trail as JSON lines."""

import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.api.mapping import to_event
from accounts.management.output import STANDARD, written
from accounts.management.progress import bar
from accounts.models import Event
from accounts.services import events
from usermgmt.http.moments import moment_of


class Command(BaseCommand):
    help = "Write the audit trail as JSON lines, an event a line, oldest first, in the shape of GET /events."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", help="what happened at this moment or date (RFC 3339, UTC) or later; else all")
        parser.add_argument("--until", help="what happened before this moment or date; else up to now")
        parser.add_argument("--output", default=STANDARD, metavar="FILE", help="else standard output")

    def handle(self, *args: Any, since: str | None, until: str | None, output: str, **options: Any) -> None:
        found = events.between(_moment("--since", since), _moment("--until", until))
        total = found.count()
        with written(output, self.stdout) as write, bar("events") as progress:
            for event in progress.track(events.walked(found), total=total):
                write(_line(event))
        events.note_export()
        if output != STANDARD:
            self.stdout.write(f"Wrote {total} events to {output}.")


def _line(event: Event) -> str:
    return json.dumps(to_event(event, None), ensure_ascii=False, separators=(",", ":")) + "\n"


def _moment(option: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else moment_of(text)
    except ValueError as error:
        raise CommandError(f"{option}: a moment as 2026-11-21T12:00:00Z, or a date, please.") from error
