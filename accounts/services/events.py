"""Keeping the audit trail: the writer and the reader behind `usermgmt.audit`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import Event, User
from accounts.models.event import EventQuerySet
from usermgmt import audit, copying, statements
from usermgmt.actor import Actor
from usermgmt.audit import Entry, Record
from usermgmt.errors import NotFound
from usermgmt.origin import Origin

BATCH_SIZE = 1000  # rows at a time


def write(entries: list[Entry]) -> None:
    """Store entries, in the transaction of the caller."""
    now = timezone.now()
    numbered = bool(entries) and entries[0].number is not None
    if len(entries) == 1 and not numbered:
        statements.insert(Event(**_values_of(entries[0], now)))
    else:
        copying.insert_values(Event, [_values_of(entry, now) for entry in entries], numbered=numbered)


def row_of(entry: Entry) -> Event:
    """An entry as a row, to be stored by one statement with what it tells of."""
    return Event(**_values_of(entry, timezone.now()))


def _values_of(entry: Entry, now: datetime) -> dict[str, Any]:
    values = {
        "at": now,
        "contract": entry.origin.contract,
        "action": entry.action,
        "actor_id": entry.actor.pk if entry.actor is not None else None,
        "target_kind": entry.target[0],
        "target_id": entry.target[1],
        "changes": dict(entry.changes),
        "request_id": entry.origin.request_id,
        "address": entry.origin.address,
    }
    return values if entry.number is None else {**values, "id": entry.number}


def of_user(*, actor: Actor, user_id: int) -> EventQuerySet:
    """What happened to a user, newest first, as far as `actor` may read it.

    Of a user who was deleted the trail is there still. Raises NotFound where there is, and was, no such user.
    """
    rows = Event.objects.visible_to(actor).about("user", user_id)
    present = User.objects.visible_to(actor).filter(pk=user_id)
    if user_id != actor.pk and not present.exists() and not rows.exists():
        raise NotFound("user")
    return rows


def between(since: datetime | None, until: datetime | None) -> EventQuerySet:
    """What happened from `since` on, and before `until`, up to now: rows that come later are not in it."""
    newest = Event.objects.order_by("-id").values_list("pk", flat=True).first()
    found: EventQuerySet = Event.objects.filter(pk__lte=newest or 0)
    if since is not None:
        found = found.filter(at__gte=since)
    return found if until is None else found.filter(at__lt=until)


def walked(found: EventQuerySet) -> Iterator[Event]:
    """The rows with their names, oldest first, never more than a batch of them in memory.

    Not `iterator()`: without server-side cursors, as behind PgBouncer, it reads them all at once.
    """
    last = 0
    while batch := list(found.filter(pk__gt=last).order_by("pk").with_names()[:BATCH_SIZE]):
        yield from batch
        last = batch[-1].pk


def note_export() -> None:
    """Keep that the operator took the trail out."""
    audit.record(actor=None, action="event.exported", target=("event", None))


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
