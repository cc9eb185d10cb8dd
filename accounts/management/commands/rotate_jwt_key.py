"""A new key for tokens."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.keys.material import ALGORITHMS
from accounts.services import key_rotation

AFTER = 600  # seconds: twice as long as others may keep the published keys
MAX_AFTER = 366 * 24 * 3600


class Command(BaseCommand):
    help = (
        "Make a new key that signs tokens, in JWT_KEY_DIR. Running servers notice by themselves; old keys verify until"
        " their tokens are past, and are deleted by a later rotation."
    )
    requires_system_checks = []  # they ask for a key, and this is where it comes from

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--after",
            type=int,
            default=AFTER,
            metavar="SECONDS",
            help=f"when it begins to sign ({AFTER}); until then whoever verifies our tokens learns of it; 0: at once,"
            " for a first key or one that leaked",
        )
        parser.add_argument("--algorithm", choices=ALGORITHMS, help="of the key; JWT_ALGORITHM by default")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *args: Any, after: int, algorithm: str | None, dry_run: bool, **options: Any) -> None:
        if not 0 <= after <= MAX_AFTER:
            raise CommandError(f"--after: 0 to {MAX_AFTER} seconds, please.")
        algorithm = algorithm or settings.JWT_ALGORITHM
        try:
            done = key_rotation.rotate(algorithm=algorithm, after=timedelta(seconds=after), dry_run=dry_run)
        except OSError as error:
            raise CommandError(f"JWT_KEY_DIR: {error}") from error
        would = "Would make" if dry_run else "Made"
        # A dry run's key is thrown away: its name would name nothing.
        named = f"{settings.JWT_KEY_DIR}" if dry_run else f"{done.key}"
        self.stdout.write(f"{would} a key for {algorithm} in {named}; it signs from {done.begins:%Y-%m-%dT%H:%M:%SZ}.")
        for path in done.retired:
            self.stdout.write(f"{'Would delete' if dry_run else 'Deleted'} {path}: its tokens are all past.")
        if algorithm != settings.JWT_ALGORITHM:
            self.stdout.write(f"It signs nothing as long as JWT_ALGORITHM is {settings.JWT_ALGORITHM}.")
