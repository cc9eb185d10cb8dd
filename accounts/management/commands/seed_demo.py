"""Demonstration data."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import passwords
from accounts.management import demo
from accounts.management.progress import bar
from accounts.models import User
from accounts.services import bulk
from clients.models import Client
from clients.services import clients
from usermgmt.errors import Invalid, sentence

BATCH = 2000  # users a transaction
USERS_PER_CLIENT = 40


class Command(BaseCommand):
    help = "Fill the directory with believable clients and users, who cannot sign in unless --password is given."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--users", type=int, default=200, help="how many users (200)")
        parser.add_argument("--clients", type=int, help=f"in how many clients (one for each {USERS_PER_CLIENT} users)")
        parser.add_argument("--password", help="one password for all of them; anyone who knows it signs in")
        parser.add_argument("--dry-run", action="store_true", help="say what would be made, and make nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        count: int = options["users"]
        companies: int = options["clients"]
        if companies is None:
            companies = max(1, min(1000, count // USERS_PER_CLIENT))
        if count < 1 or companies < 1:
            raise CommandError("--users and --clients are at least 1.")
        stored = self._stored(options["password"])
        if options["dry_run"]:
            self.stdout.write(f"Would make {count} users in {companies} clients.")
            return
        homes = [(client.pk, client.name) for client in map(_client, demo.companies(companies))]
        newest = User.objects.order_by("-pk").first()
        people = demo.people(
            count,
            first=newest.pk + 1 if newest is not None else 1,
            clients=homes,
            now=timezone.now(),
            password_hash=stored,
        )
        self._insert(people, count)
        self.stdout.write(f"Made {count} users in {companies} clients.")

    def _stored(self, password: str | None) -> str | None:
        if password is None:
            return None
        faults = passwords.check(password, owner=passwords.Owner(), policy=passwords.standard())
        if faults:
            raise CommandError("; ".join(sentence(fault) for fault in faults) + ".")
        return passwords.hashed(password)

    def _insert(self, people: Iterator[bulk.Draft], count: int) -> None:
        with bar("users") as progress:
            task = progress.add_task("users", total=count)
            while drafts := list(islice(people, BATCH)):
                try:
                    bulk.insert(actor=None, drafts=drafts)
                except Invalid as refusal:
                    raise CommandError(f"{refusal}.") from refusal
                progress.advance(task, len(drafts))


def _client(name: str) -> Client:
    present: Client | None = Client.objects.named(name).first()
    return present or clients.create(actor=None, name=name)
