"""Form configurations out of files."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.management.progress import bar
from usermgmt.dialects.forms import configurations, files
from usermgmt.dialects.forms.configurations import MAX_CONFIGURATIONS, Put
from usermgmt.dialects.forms.files import Reading, Unreadable
from usermgmt.errors import BASE, Fault, Invalid, fragment


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in a file, or in one part of it. place: where that is, for people."""

    place: str
    reading: Reading


class Command(BaseCommand):
    help = (
        "Load form configurations from files of YAML, or with a head of YAML between two lines of ---; all of them, or"
        " none. What is there already under a name is changed to what its file says."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = ", ".join(f"*{suffix}" for suffix in files.SUFFIXES)
        parser.add_argument("paths", metavar="PATH", nargs="+", help=f"a file, or a directory of them ({kinds})")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")

    def handle(self, *args: Any, paths: list[str], dry_run: bool, **options: Any) -> None:
        self.faults: list[str] = []
        found = self._read(_files(paths))
        came_of = self._put(found, dry_run=dry_run)
        if self.faults:
            for told in self.faults:
                self.stderr.write(_line(told))
            raise CommandError(f"Nothing was written: {len(self.faults)} fault{'' if len(self.faults) == 1 else 's'}.")
        for each, put in zip(found, came_of, strict=True):
            self.stdout.write(_line(_told(each, put, dry_run=dry_run)))
        counts = Counter(came_of)
        summed = ", ".join(f"{counts[put]} {put}" for put in Put)
        self.stdout.write(f"{'Dry run: ' if dry_run else ''}{summed}.")

    def _read(self, places: list[tuple[Path, str]]) -> list[Found]:
        found = []
        with bar("files") as progress:
            for path, name in progress.track(places):
                try:
                    with path.open("rb") as file:
                        readings = files.read(file.read(files.MAX_BYTES + 1), name)
                except Unreadable as error:
                    self.faults.append(f"{path}: {error}")
                except OSError as error:
                    self.faults.append(f"{path}: {error.strerror}")
                else:
                    for number, reading in enumerate(readings, start=1):
                        found.append(Found(f"{path} [{number}]" if len(readings) > 1 else str(path), reading))
        _check_number(len(found), "form configurations")
        return found

    def _put(self, found: list[Found], *, dry_run: bool) -> list[Put]:
        came_of = []
        places: dict[str, str] = {}
        with transaction.atomic(), bar("form configurations") as progress:
            for each in progress.track(found):
                draft = each.reading.draft
                reported = [*each.reading.faults, *_of_name(draft.name, places)]
                places[draft.name] = each.place
                try:
                    came_of.append(configurations.put(actor=None, draft=draft, reported=reported))
                except Invalid as refusal:
                    self.faults += [f"{each.place}: {_words(fault)}" for fault in refusal.faults]
            if self.faults or dry_run:
                transaction.set_rollback(True)
        return came_of


def _files(paths: list[str]) -> list[tuple[Path, str]]:
    """Each file with the name that its configuration has if it says none. Raises CommandError."""
    found = []
    for text in paths:
        try:
            found += list(_below(Path(text)))
        except OSError as error:
            raise CommandError(f"{_line(text)}: {error.strerror}") from error
    if not found:
        raise CommandError(f"There is no file ({', '.join(files.SUFFIXES)}) in {_line(', '.join(paths))}.")
    _check_number(len(found), "files")
    return found


def _check_number(number: int, what: str) -> None:
    if number > MAX_CONFIGURATIONS:
        raise CommandError(f"These are {number} {what}; the directory holds {MAX_CONFIGURATIONS} at most.")


def _below(path: Path) -> Iterator[tuple[Path, str]]:
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix.lower() in files.SUFFIXES and file.is_file():
                yield file, file.relative_to(path).with_suffix("").as_posix()
    elif not path.is_file():
        raise CommandError(f"{_line(str(path))}: there is no such file or directory.")
    else:
        yield path, path.stem


def _of_name(name: str, places: dict[str, str]) -> list[Fault]:
    """The fault of a name that another file has."""
    if not name or name not in places:
        return []
    return [Fault("name", "bad_rule", {"path": "name", "reason": f"is {name} in {places[name]}, too"})]


def _told(found: Found, put: Put, *, dry_run: bool) -> str:
    told = f"{found.place}: {found.reading.draft.name} {'would be ' if dry_run else ''}{put}"
    return f"{told}; left out: {', '.join(found.reading.left_out)}" if found.reading.left_out else told


def _words(fault: Fault) -> str:
    match fault:
        case Fault(code="bad_rule"):
            return fragment(fault)
        case Fault(field=field) if field == BASE:
            return f"the directory {fragment(fault)}"
        case _:
            return f"{fault.field} {fragment(fault)}"


def _line(text: str) -> str:
    """A text that may have come out of a file, as a terminal can take it."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
