"""Form configurations into files."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.management.output import STANDARD, written
from accounts.management.progress import bar
from usermgmt.dialects.forms import files
from usermgmt.dialects.forms.models import FormConfiguration

_MAX_PART = 200  # characters of a part of a name that is one of a path, too


class Command(BaseCommand):
    help = "Write all form configurations as YAML, so that load_form_configurations finds nothing to change."

    def add_arguments(self, parser: CommandParser) -> None:
        place = parser.add_mutually_exclusive_group()
        place.add_argument("--output", default=STANDARD, metavar="FILE", help="all in one file; else standard output")
        place.add_argument("--directory", metavar="DIR", help="a file each, in this directory")

    def handle(self, *args: Any, output: str, directory: str | None, **options: Any) -> None:
        rows = sorted(FormConfiguration.objects.all(), key=lambda row: row.name)
        if directory is None:
            text = files.written(rows)
            _check_size(text, f"all {len(rows)} form configurations: use --directory")
            with written(output, self.stdout) as write:
                write(text)
        else:
            self._write_each(rows, Path(directory))
        if output != STANDARD or directory is not None:
            self.stdout.write(f"Wrote {len(rows)} form configurations to {directory or output}.")

    def _write_each(self, rows: list[FormConfiguration], directory: Path) -> None:
        with bar("form configurations") as progress:
            for row in progress.track(rows):
                text = files.written(row)
                _check_size(text, f"the form configuration {row.name}")
                place = directory / _path(row)
                try:
                    place.parent.mkdir(parents=True, exist_ok=True)
                except OSError as error:
                    raise CommandError(f"{place.parent}: {error.strerror}") from error
                with written(str(place), self.stdout) as write:
                    write(text)


def _check_size(text: str, what: str) -> None:
    if len(text.encode()) > files.MAX_BYTES:
        raise CommandError(f"A file of {files.MAX_BYTES // 1024} KiB, which is the most, can't hold {what}.")


def _path(row: FormConfiguration) -> str:
    """Where a configuration is written: by its name, unless that leads elsewhere, or to where another one may be."""
    parts = row.name.split("/")
    if any(not _is_plain(part) for part in parts):
        return f"@{row.pk}.yml"
    return f"{row.name}.yml"


def _is_plain(part: str) -> bool:
    return 0 < len(part) <= _MAX_PART and not part.startswith(".") and Path(part).suffix not in files.SUFFIXES
