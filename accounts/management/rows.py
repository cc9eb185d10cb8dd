"""Rows of users out of CSV (RFC 4180) or JSON lines, read one by one: what can't be read is a fault of its row."""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from django.core.management.base import CommandError

from accounts.services.importing import FIELDS, Row
from accounts.spreadsheets import unescaped
from usermgmt.errors import BASE, Fault
from usermgmt.http.parsers import BadBody, loads

MAX_ROW_BYTES = 1024 * 1024
FORMATS = ("csv", "jsonl")
SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

_BOM = b"\xef\xbb\xbf"
_TOLD = 10  # names of columns at most, and so many characters of each
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_NUMBER = re.compile(r"-?[0-9]{1,19}\Z", re.ASCII)
_AS_THEY_ARE = ("password", "password_hash")  # nobody puts an apostrophe before these


@dataclass(frozen=True, slots=True)
class Read:
    """A row, and where in the file the next one begins. line: the first of the next one."""

    row: Row
    end: int
    line: int


def read(stream: IO[bytes], kind: str, *, start: int = 0, line: int = 1) -> Iterator[Read]:
    """The rows of a file, of one of the `FORMATS`.

    start, line: where to go on, as a row before told; the stream can seek then. Raises CommandError, before the first
    row: there is nothing to read, or the header is none.
    """
    return _from_csv(stream, start, line) if kind == "csv" else _from_lines(stream, start, line)


def _lines(stream: IO[bytes], line: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    """Number, end and text of each line; of one that is too long as much as tells that."""
    while raw := stream.readline(MAX_ROW_BYTES + 1):
        end += len(raw)
        rest = raw
        while len(rest) > MAX_ROW_BYTES and not rest.endswith(b"\n"):
            rest = stream.readline(MAX_ROW_BYTES + 1)
            end += len(rest)
        if line == 1:
            raw = raw.removeprefix(_BOM)
        yield line, end, raw
        line += 1


def _unreadable(line: int, words: str) -> Row:
    return Row(line, faults=[Fault(BASE, "said", {"words": words})])


# JSON lines


def _from_lines(stream: IO[bytes], start: int, first: int) -> Iterator[Read]:
    if start:
        stream.seek(start)
    for line, end, raw in _lines(stream, first, start):
        if raw.strip():
            yield Read(_of_line(line, raw), end, line + 1)


def _of_line(line: int, raw: bytes) -> Row:
    if len(raw) > MAX_ROW_BYTES:
        return _unreadable(line, "is too long")
    try:
        values = loads(raw)
    except BadBody as error:
        return _unreadable(line, f"can't be read: {error.detail}".replace("request body", "line"))
    said: dict[str, Any] = {}
    faults = []
    for name, value in values.items():
        if name not in FIELDS:
            faults.append(Fault(name[:40], "unknown_column"))
        elif value is not None:
            if _is_of(FIELDS[name], value):
                said[name] = value
            else:
                faults.append(Fault(name, "wrong_type"))
    return Row(line, said, faults)


def _is_of(kind: type, value: Any) -> bool:
    if kind is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, kind) and (kind is not int or not isinstance(value, bool))


# CSV


def _from_csv(stream: IO[bytes], start: int, first: int) -> Iterator[Read]:
    lines = _lines(stream, 1, 0)
    columns = _header(lines)
    if start:
        stream.seek(start)
        lines = _lines(stream, first, start)
    yield from _records(lines, columns)


def _header(lines: Iterator[tuple[int, int, bytes]]) -> list[str]:
    for _, _, raw in lines:
        if not raw.strip():
            continue
        cells = _cells(raw) if len(raw) <= MAX_ROW_BYTES else None
        if cells is None:
            raise CommandError("The first line is no row of column names in UTF-8.", returncode=2)
        columns = [cell.strip() for cell in cells]
        _refuse("There is no column", [name for name in columns if name not in FIELDS])
        _refuse("There is more than one column", [name for name in FIELDS if columns.count(name) > 1])
        return columns
    raise CommandError("There is nothing to read.", returncode=2)


def _refuse(words: str, names: Sequence[str]) -> None:
    if names:
        told = ", ".join(ascii(name[:40]) for name in names[:_TOLD])
        more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
        raise CommandError(f"{words} {told}{more}. Those that there are: {', '.join(FIELDS)}.", returncode=2)


def _records(lines: Iterator[tuple[int, int, bytes]], columns: Sequence[str]) -> Iterator[Read]:
    """A quoted cell may go on in the next lines. Where that makes no row of them, the fault is the first line's, and
    the others are lines of their own: a quote that is never closed swallows nobody."""
    readers = [(name, _reader(name)) for name in columns]
    ahead: deque[tuple[int, int, bytes]] = deque()
    while True:
        head = ahead.popleft() if ahead else next(lines, None)
        if head is None:
            return
        line, end, raw = head
        if not raw.strip():
            continue
        if raw.count(b'"') % 2 == 0:
            yield Read(_of_record(line, raw, readers), end, line + 1)
            continue
        taken, size, closed = list[tuple[int, int, bytes]](), len(raw), False
        while not closed and size <= MAX_ROW_BYTES:
            more = ahead.popleft() if ahead else next(lines, None)
            if more is None:
                break
            taken.append(more)
            size += len(more[2])
            closed = more[2].count(b'"') % 2 == 1
        whole = b"".join([raw, *(more[2] for more in taken)])
        row = _of_record(line, whole, readers) if closed else _unreadable(line, "has a quote that is never closed")
        if any(fault.field == BASE for fault in row.faults):
            ahead.extendleft(reversed(taken))
            yield Read(row, end, line + 1)
        else:
            yield Read(row, taken[-1][1], taken[-1][0] + 1)


def _of_record(line: int, raw: bytes, readers: Sequence[tuple[str, Callable[[str], Any]]]) -> Row:
    if len(raw) > MAX_ROW_BYTES:
        return _unreadable(line, "is too long")
    cells = _cells(raw)
    if cells is None:
        return _unreadable(line, "can't be read: UTF-8, and commas between cells, please")
    if len(cells) != len(readers):
        return _unreadable(line, f"has {len(cells)} cells and not {len(readers)}")
    said: dict[str, Any] = {}
    faults = []
    for (name, reader), cell in zip(readers, cells, strict=True):
        if cell:
            try:
                said[name] = reader(cell)
            except (BadBody, ValueError, KeyError):
                faults.append(Fault(name, "invalid"))
    return Row(line, said, faults)


def _cells(raw: bytes) -> list[str] | None:
    """The cells of a record; None where it is none."""
    if b"\0" in raw:
        return None
    try:
        text = raw.decode().removesuffix("\n").removesuffix("\r")
        if '"' not in text:
            return text.split(",")
        (cells,) = csv.reader([text], strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError):
        return None
    return cells


def _reader(name: str) -> Callable[[str], Any]:
    """What makes a value of a cell that is not empty."""
    return str if name in _AS_THEY_ARE else _READERS[FIELDS[name]]


def _number(cell: str) -> int:
    if _NUMBER.match(cell.strip()) is None:
        raise ValueError(cell)
    return int(cell)


_READERS: Mapping[type, Callable[[str], Any]] = {
    str: unescaped,
    int: _number,
    bool: lambda cell: _BOOLEANS[cell.strip().lower()],
    dict: lambda cell: loads(cell.encode()),
    list: lambda cell: cell.replace(",", " ").split(),
}
