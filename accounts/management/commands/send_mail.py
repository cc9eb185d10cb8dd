"""Sending mails by hand, or by cron where the server does not."""

from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.management.progress import bar
from accounts.models import Mail
from accounts.services import delivery
from accounts.services.delivery import Outcome


class Command(BaseCommand):
    help = "Send the mails that are due. The server does so by itself, unless MAIL_IN_SERVER is off."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what there is to send, and send nothing")
        parser.add_argument("--retry-failed", action="store_true", help="those that were given up, too")
        parser.add_argument(
            "--interrupted",
            action="store_true",
            help="also those whose process died while it sent them; some may have gone out already",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            self._count(retry_failed=options["retry_failed"], interrupted=options["interrupted"])
            return
        if not settings.EMAIL_URL:
            raise CommandError("EMAIL_URL is not set: there is no mail server to send with. The mails wait.")
        if options["retry_failed"]:
            delivery.retry_failed()
        if options["interrupted"]:
            delivery.retry_interrupted()
        came_of = self._deliver()
        self._tell_interrupted()
        self.stdout.write(f"Sent {_mails(came_of[Outcome.SENT])}.")
        if came_of[Outcome.DELAYED] or came_of[Outcome.FAILED]:
            raise CommandError(
                f"Not sent: {_mails(came_of[Outcome.DELAYED])} to be tried again, {came_of[Outcome.FAILED]} given up,"
                f" {Mail.objects.due().count()} not tried. The reason is in the log, and in the admin site."
            )

    def _count(self, *, retry_failed: bool, interrupted: bool) -> None:
        found = [Mail.objects.due()]
        found += [Mail.objects.failed()] if retry_failed else []
        found += [Mail.objects.interrupted()] if interrupted else []
        self.stdout.write(f"Would send {_mails(sum(mails.count() for mails in found))}.")
        if not interrupted:
            self._tell_interrupted()

    def _deliver(self) -> Counter[Outcome]:
        came_of: Counter[Outcome] = Counter()
        with bar("mails") as progress:
            task = progress.add_task("mails", total=Mail.objects.due().count())
            for outcome in delivery.deliver():
                came_of[outcome] += 1
                progress.advance(task)
        return came_of

    def _tell_interrupted(self) -> None:
        count = Mail.objects.interrupted().count()
        if count:
            self.stderr.write(
                f"{_mails(count)} may have gone out or not: the process died meanwhile. --interrupted sends again."
            )


def _mails(count: int) -> str:
    return f"{count} mail" if count == 1 else f"{count} mails"
