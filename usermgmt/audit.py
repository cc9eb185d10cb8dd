"""The audit trail's door: services of every app say here what happened; `accounts` keeps it.

The rows live in `accounts` (DESIGN 1), which stands above `clients`; so the writer and the reader are
handed in when `accounts` starts, and no import runs upwards.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from usermgmt.actor import Actor
from usermgmt.origin import Origin, current

Changes = Mapping[str, tuple[Any, Any]]
"""Field to (before, after); never a secret."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    actor: who, or None for the operator and for strangers.
    action: what, e.g. "user.created".
    target: to whom, as (kind, id); id is None where nobody is meant or known.
    changes: before and after, per field.
    origin: by which contract, in which request, from which address.
    number: of its row, where that was drawn before (`usermgmt.copying.numbers`), for all of a list or none.
    """

    actor: Actor | None
    action: str
    target: tuple[str, int | None]
    changes: Changes = field(default_factory=dict)
    origin: Origin = field(default_factory=current)
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One kept entry, as pages show it.

    actor: the e-mail of who did it, None if there is no such user any more; actor_id None: see `Entry`.
    target_name: what the target is called today, None if it is gone.
    """

    id: int
    at: datetime
    actor_id: int | None
    actor: str | None
    action: str
    target: tuple[str, int | None]
    target_name: str | None
    changes: Changes
    origin: Origin


Writer = Callable[[list[Entry]], None]


class Reader(Protocol):
    def __call__(self, *, target: tuple[str, int] | None, before: int | None, limit: int) -> list[Record]: ...


_writers: list[Writer] = []
_readers: list[Reader] = []


def keep_with(writer: Writer) -> None:
    """Make `writer` the one that stores entries; called once, when `accounts` starts."""
    _writers[:] = [writer]


def read_with(reader: Reader) -> None:
    """Make `reader` the one that finds entries; called once, when `accounts` starts."""
    _readers[:] = [reader]


def history(*, target: tuple[str, int] | None = None, before: int | None = None, limit: int) -> list[Record]:
    """What was kept, newest first, at most `limit` records, in one query however many there are.

    target: only what happened to it. before: only what is older than the record of that id.
    """
    (reader,) = _readers
    return reader(target=target, before=before, limit=limit)


def record(*, actor: Actor | None, action: str, target: tuple[str, int | None], changes: Changes | None = None) -> None:
    """Write one row, in the transaction of the caller."""
    record_all([Entry(actor=actor, action=action, target=target, changes=changes or {})])


def record_all(entries: list[Entry]) -> None:
    """Write many rows at once, in the transaction of the caller."""
    (writer,) = _writers
    writer(entries)
