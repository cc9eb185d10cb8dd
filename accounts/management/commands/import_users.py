"""Users out of a file."""

import io
import json
import os
import stat
import sys
import time
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from accounts.hashers import IMPORTED
from accounts.management import processes, rows, runs
from accounts.management.output import STANDARD
from accounts.management.progress import bar_of_bytes
from accounts.services import importing
from accounts.services.importing import FIELDS, Became, OnConflict, Row, Run, Told
from clients.models import Client
from usermgmt.errors import BASE, fragment

SOME_REFUSED, NOT_DONE = 1, 2  # exit codes
_LEARNING = {8**power for power in range(20)}  # numbers of batches: the tables are eight times as large then

HELP = f"""
Make users out of CSV (a row of column names first, in any order) or JSON lines (an object a line), in UTF-8.

columns   {", ".join(list(FIELDS)[:12])},
          {", ".join(list(FIELDS)[12:])}

An empty cell, a null and what is not there say nothing. custom_fields and properties are JSON objects; roles are
names with spaces between them, in JSON a list of names; true, yes or 1 is yes, false, no or 0 is no. A cell of CSV
that begins with an apostrophe and then with one of = + - @ (or a tab) is taken without the apostrophe: that is how
export_users keeps spreadsheets from computing it; passwords are taken as they are. A client is named (client) or
numbered (client_id).

password  in clear. password_hash: bcrypt ($2a$, $2b$, $2y$: of Rails or Devise; with password_scheme or
          --password-scheme rocketchat, of Rocket.Chat), Argon2 ($argon2id$...), or any of the two and PBKDF2 in
          Django's form. They become Argon2id when their users sign in.

A row is of somebody who is there if its address, its user name or, within the client, its external_id is theirs.
--on-conflict update changes what the row says, but never a password and never the client.

--resume goes on where a run of the same file and options was stopped, whatever stopped it. The file of faults has
another beside it, with .state at the end of its name, which tells where; it is there until a run is through. Nothing
is made twice, and no row is left out. Every event of a run in the audit trail has its number as request id.

Where there are two cores or more, three processes take the batches in turns, in the order of the file.

exit code 0: all rows are in. 1: some were refused, and are told in the file of faults, a JSON line for each.
2: nothing could be done, or the run was stopped; what is in by then is in whole batches of {runs.BATCH} rows.
"""


@dataclass(slots=True)
class _Job:
    """An import under way. total: bytes of the file, where it is one. place: where its state is kept, if it is."""

    run: Run
    state: runs.State
    stream: IO[bytes]
    faults: IO[bytes]
    total: int | None
    place: Path | None


class Command(BaseCommand):
    help = HELP
    requires_system_checks = [Tags.models, Tags.security]  # not those of pages, which would load every one of them

    def create_parser(self, *args: Any, **options: Any) -> CommandParser:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **options)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="its end says the format: .csv, .jsonl, .ndjson; - is a pipe")
        parser.add_argument("--format", choices=rows.FORMATS, help="where the name of the file does not say it")
        parser.add_argument("--client", metavar="NAME", help="of rows that name none")
        parser.add_argument("--create-clients", action="store_true", help="make those that are named and not there")
        parser.add_argument(
            "--administrators", action="store_true", help="rows that name no client make administrators; else a fault"
        )
        parser.add_argument("--password-scheme", choices=IMPORTED, default="rails", help="of bare bcrypt hashes")
        parser.add_argument("--on-conflict", choices=list(map(str, OnConflict)), default="fail")
        parser.add_argument("--dry-run", action="store_true", help="judge every row by what is there, write no user")
        parser.add_argument("--resume", action="store_true", help="go on where a run was stopped")
        parser.add_argument("--faults", metavar="FILE", help="else FILE.faults.jsonl")

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        kind = options["format"] or rows.SUFFIXES.get(Path(file).suffix.lower())
        if kind is None:
            raise CommandError("Say --format csv or --format jsonl: the name does not tell.", returncode=NOT_DONE)
        faults = Path(options["faults"] or ("stdin" if file == STANDARD else file) + ".faults.jsonl")
        try:
            with _opened(file) as stream:
                counts = self._import(stream, kind, faults, file, options)
        except OSError as error:
            raise CommandError(f"{error.filename or file}: {error.strerror}", returncode=NOT_DONE) from error
        except DatabaseError as error:
            raise CommandError(f"The database: {error}".strip(), returncode=NOT_DONE) from error
        self._tell(counts, faults, dry=options["dry_run"])

    def _import(self, stream: IO[bytes], kind: str, faults: Path, file: str, options: Any) -> dict[str, int]:
        begun_with = {name: options[name] for name in ("client", "administrators", "on_conflict", "create_clients")}
        begun_with |= {"format": kind, "scheme": options["password_scheme"]}
        place = faults.with_name(f"{faults.name}.state")
        total = _size(stream)
        if not options["resume"]:
            state = runs.begun(place, begun_with)
        elif total is None or options["dry_run"]:
            raise CommandError("A pipe or a dry run can't be resumed.", returncode=NOT_DONE)
        else:
            state = runs.known(place, begun_with, stream)
        run = _run(state, options)
        found = rows.read(stream, kind, start=state.offset, line=state.line)
        first = next(found, None)  # before anything is written: the header may be none
        if first is None and kind != "csv" and not state.offset:
            raise CommandError("There is nothing to read.", returncode=NOT_DONE)
        with _written(faults, state.faults) as told:
            job = _Job(run, state, stream, told, total, place if total is not None and not run.dry else None)
            try:
                _take_all(job, _chained(first, found), again=options["resume"])
            except KeyboardInterrupt as error:
                raise CommandError(_stopped(job, "Stopped"), returncode=NOT_DONE) from error
            except DatabaseError as error:
                raise CommandError(_stopped(job, f"The database: {error}".strip()), returncode=NOT_DONE) from error
            except processes.Gone as error:
                raise CommandError(_stopped(job, str(error)), returncode=NOT_DONE) from error
        if not run.dry:
            importing.note(run, source="" if file == STANDARD else Path(file).name, counts=state.counts)
            place.unlink(missing_ok=True)
        if not state.counts[Became.REFUSED]:
            faults.unlink(missing_ok=True)
        return state.counts

    def _tell(self, counts: dict[str, int], faults: Path, *, dry: bool) -> None:
        words = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no row"
        self.stdout.write(f"{'Would be: ' if dry else ''}{words}.")
        if counts[Became.REFUSED]:
            refused, rows_read = counts[Became.REFUSED], sum(counts.values())
            raise CommandError(f"{refused} of {rows_read} rows were refused: see {faults}.", returncode=SOME_REFUSED)


def _run(state: runs.State, options: Any) -> Run:
    client = None
    if options["client"] is not None:
        client = Client.objects.named(options["client"]).first()
        if client is None:
            raise CommandError(f"There is no client {options['client']}.", returncode=NOT_DONE)
        if options["administrators"]:
            raise CommandError("--client or --administrators, please: not both.", returncode=NOT_DONE)
    return Run(
        number=state.number,
        on_conflict=OnConflict(options["on_conflict"]),
        client_id=client.pk if client is not None else None,
        administrators=options["administrators"],
        create_clients=options["create_clients"],
        scheme=options["password_scheme"],
        dry=options["dry_run"],
        made=state.counts[Became.CREATED],
        changed=state.counts[Became.UPDATED],
    )


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    if file == STANDARD:
        yield sys.stdin.buffer
        return
    with Path(file).open("rb") as stream:
        yield stream


@contextmanager
def _written(faults: Path, size: int) -> Iterator[IO[bytes]]:
    """The file of faults, for its owner's eyes only, cut to what stood in it when the last batch was in."""
    descriptor = os.open(faults, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        file.truncate(min(size, os.fstat(descriptor).st_size))
        file.seek(0, os.SEEK_END)
        yield file


def _size(stream: IO[bytes]) -> int | None:
    """In bytes; None of what is no file."""
    try:
        status = os.fstat(stream.fileno())
    except io.UnsupportedOperation:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _chained(first: rows.Read | None, found: Iterator[rows.Read]) -> Iterator[rows.Read]:
    if first is not None:
        yield first
        yield from found


def _batches(found: Iterator[rows.Read], state: runs.State) -> Iterator[list[rows.Read]]:
    batch: list[rows.Read] = []
    slow = 0
    for read in found:
        batch.append(read)
        slow += "password" in read.row.said
        if len(batch) == state.batch or slow == state.passwords:
            yield batch
            batch, slow = [], 0
    if batch:
        yield batch


def _take_all(job: _Job, found: Iterator[rows.Read], *, again: bool) -> None:
    state, started, before = job.state, time.monotonic(), sum(job.state.counts.values())
    _keep(job)  # so that the very first batch is known again, too
    with processes.taken(job.run, _batches(found, state), again=again) as taken, bar_of_bytes("users") as progress:
        task = progress.add_task("", total=job.total, completed=state.offset, count=before, rate=0)
        for number, (batch, told) in enumerate(taken, 1):
            job.faults.write(b"".join(_lines([read.row for read in batch], told)))
            job.faults.flush()
            for one in told:
                state.counts[one.became] += 1
            state.offset, state.line, state.faults = batch[-1].end, batch[-1].line, job.faults.tell()
            _keep(job)
            if number in _LEARNING and not job.run.dry:
                importing.learn()
            done = sum(state.counts.values())
            rate = (done - before) / max(time.monotonic() - started, 0.001)
            progress.update(task, completed=state.offset, count=done, rate=rate)


def _keep(job: _Job) -> None:
    if job.place is not None:
        job.state.head = runs.head_of(job.stream, job.state.offset)
        runs.kept(job.place, job.state)


def _lines(batch: Sequence[Row], told: Sequence[Told]) -> Iterator[bytes]:
    for row, one in zip(batch, told, strict=True):
        if one.became == Became.REFUSED:
            faults = [
                {"field": None if fault.field == BASE else fault.field, "code": fault.code, "message": fragment(fault)}
                for fault in one.faults
            ]
            yield json.dumps({"line": row.line, "faults": faults}, ensure_ascii=False).encode() + b"\n"


def _stopped(job: _Job, why: str) -> str:
    goes_on = " --resume goes on from there." if job.place is not None else ""
    return f"{why}. All rows before line {job.state.line} are in.{goes_on}"
