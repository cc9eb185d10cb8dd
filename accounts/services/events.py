"""Keeping the audit trail: the writer behind `usermgmt.audit`."""

from accounts.models import Event
from usermgmt.audit import Entry

BATCH_SIZE = 1000  # rows an INSERT; of SQLite's fewer, which Django sees to


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
