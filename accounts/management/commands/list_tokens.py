"""Which tokens there are."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.api.mapping import timestamp
from accounts.management.named_user import user_named
from accounts.models import ApiToken
from accounts.opaque_tokens import PREFIX

COLUMNS = ("number", "begins with", "owner", "client", "access", "state", "last used", "expires", "name")


class Command(BaseCommand):
    help = "List API tokens, the newest first: a line each, columns parted by tabs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", metavar="EMAIL", help="those of one user")

    def handle(self, *args: Any, user: str | None, **options: Any) -> None:
        tokens = ApiToken.objects.select_related("user", "client").order_by("-id")
        if user is not None:
            owner = user_named(user)
            tokens = tokens.filter(user=owner)
        self.stdout.write("\t".join(COLUMNS))
        for token in tokens.iterator(chunk_size=500):
            self.stdout.write("\t".join(_cells(token)))


def _cells(token: ApiToken) -> list[str]:
    return [
        str(token.pk),
        PREFIX + token.lookup,
        token.user.email,
        token.client.name if token.client is not None else "-",
        "read" if token.read_only else "write",
        token.state,
        timestamp(token.last_used_at) or "-",
        timestamp(token.expires_at) or "-",
        token.name,
    ]
