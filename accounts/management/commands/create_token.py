"""A token for a program."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.management.durations import duration_of
from accounts.management.named_user import user_named
from accounts.services import api_tokens
from clients.models import Client
from clients.policies import can_view
from usermgmt.errors import Invalid

DEFAULT_NAME = "made with manage.py"


class Command(BaseCommand):
    help = "Make an API token and print it, once, alone on the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, metavar="EMAIL", help="whose token it is: it may what they may")
        parser.add_argument("--client", metavar="NAME", help="bind it to a client: nothing else is there for it")
        parser.add_argument("--name", default=DEFAULT_NAME, help=f"what it is for ({DEFAULT_NAME})")
        parser.add_argument("--expires", metavar="DURATION", help="its lifetime, as 90d, 12h or 30m (no end)")
        parser.add_argument("--read-only", action="store_true", help="it opens GET and HEAD alone")

    def handle(
        self,
        *args: Any,
        user: str,
        client: str | None,
        name: str,
        expires: str | None,
        read_only: bool,
        **options: Any,
    ) -> None:
        owner = user_named(user)
        bound = _named(client) if client is not None else None
        if bound is not None and not can_view(owner, bound.pk):
            raise CommandError(f"{owner.email} belongs to another client than {bound.name}, and sees no other.")
        try:
            token, text = api_tokens.create(
                actor=None,
                user_id=owner.pk,
                name=name,
                client_id=bound.pk if bound is not None else None,
                expires_at=_end(expires) if expires is not None else None,
                read_only=read_only,
            )
        except Invalid as refusal:
            raise CommandError(f"{refusal}.") from refusal
        facts = [
            f"Token {token.pk} of {owner.email}",
            f"bound to {bound.name}" if bound is not None else "bound to no client",
            "only to read" if read_only else "to read and write",
            f"until {token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at is not None else "without an end",
        ]
        self.stderr.write(f"{', '.join(facts)}. It is shown only now; manage.py revoke_token {token.pk} ends it.")
        self.stdout.write(text)


def _named(name: str) -> Client:
    client: Client | None = Client.objects.named(name).first()
    if client is None:
        raise CommandError(f'There is no client named {name}; manage.py create_client "{name}" makes it.')
    return client


def _end(expires: str) -> datetime:
    try:
        return timezone.now() + duration_of(expires)
    except OverflowError as error:
        raise CommandError(f"{expires} from now is past every calendar; leave --expires out for no end.") from error
