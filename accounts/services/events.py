"""Keeping the audit trail: the writer and the reader behind `usermgmt.audit`."""

from typing import Any

from accounts.models import Event
from usermgmt.audit import Entry, Record
from usermgmt.origin import Origin

BATCH_SIZE = 1000  # rows an INSERT; SQLite allows some 3,500 of this width


def write(entries: list[Entry]) -> None:
    """Store entries, in the transaction of the caller."""
    rows = [
        Event(
            contract=entry.origin.contract,
            action=entry.action,
            actor_id=entry.actor.pk if entry.actor is not None else None,
            target_kind=entry.target[0],
            target_id=entry.target[1],
            changes={field: list(change) for field, change in entry.changes.items()},
            request_id=entry.origin.request_id,
            address=entry.origin.address,
        )
        for entry in entries
    ]
    if len(rows) == 1:
        rows[0].save()
    else:
        Event.objects.bulk_create(rows, batch_size=BATCH_SIZE)


def read(*, target: tuple[str, int] | None, before: int | None, limit: int) -> list[Record]:
    """Records newest first; see `usermgmt.audit.history`."""
    events = Event.objects.about(*target) if target is not None else Event.objects.order_by("-id")
    if before is not None:
        events = events.filter(pk__lt=before)
    named: Any = events.with_names()[:limit]  # annotations have no types
    return [
        Record(
            id=event.pk,
            at=event.at,
            actor_id=event.actor_id,
            actor=event.actor_email,
            action=event.action,
            target=(event.target_kind, event.target_id),
            target_name=event.target_name,
            changes={field: (before, after) for field, (before, after) in event.changes.items()},
            origin=Origin(contract=event.contract, request_id=event.request_id, address=event.address),
        )
        for event in named
    ]
