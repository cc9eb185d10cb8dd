"""What is held on a person."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from accounts.api.mapping import timestamp, to_event
from accounts.management.named_user import user_named
from accounts.management.output import STANDARD, written
from accounts.models import User
from accounts.services import personal_data


class Command(BaseCommand):
    help = "Write everything that is held on a person as one JSON document (GDPR 15 and 20); no secret is in it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", metavar="EMAIL|ID")
        parser.add_argument("--output", default=STANDARD, metavar="FILE", help="else standard output")

    def handle(self, *args: Any, user: str, output: str, **options: Any) -> None:
        named = user_named(user)
        with written(output, self.stdout) as write:
            write(json.dumps(_document(named), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2) + "\n")
        personal_data.note_export(named)
        if output != STANDARD:
            self.stdout.write(f"Wrote what is held on user {named.pk} to {output}.")


def _document(user: User) -> dict[str, Any]:
    subject = personal_data.Subject(user.pk)
    about = [to_event(event, subject) for event in personal_data.events_about(user).with_names(subject)]
    return {
        "exported_at": timestamp(timezone.now()),
        **personal_data.held(user),
        "events_about": about,
        "events_by": [_deed(to_event(event, subject)) for event in personal_data.events_by(user).with_names(subject)],
    }


def _deed(event: dict[str, Any]) -> dict[str, Any]:
    """What the person did to somebody, without what is that somebody's own."""
    target = {key: value for key, value in event["target"].items() if key != "name"}
    return {**{key: value for key, value in event.items() if key not in ("actor", "changes")}, "target": target}
