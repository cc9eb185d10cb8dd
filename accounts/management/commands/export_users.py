"""Users into a file."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.management import rows
from accounts.management.output import STANDARD, written
from accounts.management.progress import bar
from accounts.services import exporting
from accounts.spreadsheets import escaped
from clients.models import Client

Values = Mapping[str, Any]


class Command(BaseCommand):
    help = (
        "Write the users as CSV or JSON lines, in the columns that import_users takes back, without passwords; who was"
        " erased is left out. In CSV a cell that a spreadsheet would compute has an apostrophe before it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=rows.FORMATS, help="else as the name of the output ends; else csv")
        parser.add_argument("--client", metavar="NAME", help="only the users of one client")
        parser.add_argument("--output", default=STANDARD, metavar="FILE", help="else standard output")
        parser.add_argument(
            "--with-password-hashes",
            action="store_true",
            help="also the stored forms of passwords, which whoever has the file can guess at: keep it as you keep the"
            " database. import_users takes them, and the passwords go on",
        )

    def handle(self, *args: Any, client: str | None, output: str, **options: Any) -> None:
        hashes: bool = options["with_password_hashes"]
        kind = options["format"] or rows.SUFFIXES.get(Path(output).suffix.lower(), "csv")
        client_id = None if client is None else _number(client)
        names = exporting.fields(hashes=hashes)
        count = 0
        total = exporting.count(client_id=client_id)
        with written(output, self.stdout) as write, bar("users") as progress:
            if kind == "csv":
                write(_row(names))
            to_line = _line if kind == "jsonl" else _row_of
            for values in progress.track(exporting.walked(client_id=client_id, hashes=hashes), total=total):
                write(to_line(values))
                count += 1
        exporting.note(users=count, client_id=client_id, hashes=hashes)
        if output != STANDARD:
            self.stdout.write(f"Wrote {count} users to {output}.")


def _number(name: str) -> int:
    found: int | None = Client.objects.named(name).values_list("pk", flat=True).first()
    if found is None:
        raise CommandError(f"There is no client {name}.")
    return found


def _line(values: Values) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n"


def _row_of(values: Values) -> str:
    return _row([_cell(value) for value in values.values()])


def _row(cells: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    to_text: Callable[[Any], str] = _TEXTS.get(type(value), str)
    return escaped(to_text(value))


_TEXTS: Mapping[type, Callable[[Any], str]] = {
    bool: lambda value: "true" if value else "false",
    dict: lambda value: json.dumps(value, ensure_ascii=False),
    list: " ".join,
}
