"""The audit trail's door: services of every app say here what happened; `accounts` keeps it.

The rows live in `accounts` (DESIGN 1), which stands above `clients`; so the writer is handed in
when `accounts` starts, and no import runs upwards.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
    """

    actor: Actor | None
    action: str
    target: tuple[str, int | None]
    changes: Changes = field(default_factory=dict)
    origin: Origin = field(default_factory=current)


Writer = Callable[[list[Entry]], None]
_writers: list[Writer] = []


def keep_with(writer: Writer) -> None:
    """Make `writer` the one that stores entries; called once, when `accounts` starts."""
    _writers[:] = [writer]


def record(*, actor: Actor | None, action: str, target: tuple[str, int | None], changes: Changes | None = None) -> None:
    """Write one row, in the transaction of the caller."""
    record_all([Entry(actor=actor, action=action, target=target, changes=changes or {})])


def record_all(entries: list[Entry]) -> None:
    """Write many rows at once, in the transaction of the caller."""
    (writer,) = _writers
    writer(entries)
