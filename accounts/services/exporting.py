"""Users as `importing` takes them back."""

from collections.abc import Iterator, Mapping
from typing import Any

from accounts.managers import UserQuerySet
from accounts.models import User
from accounts.services.importing import FIELDS
from usermgmt import audit

BATCH_SIZE = 2000  # users in memory at a time

_NEVER = ("client_id", "password", "password_scheme")
_HASH = "password_hash"
_COLUMNS = {"client": "client__name", "active": "is_active", _HASH: "password"}
"""Where something stands that is not a column of its own name."""


def fields(*, hashes: bool) -> list[str]:
    """What is told of a user, in order."""
    return [name for name in FIELDS if name not in _NEVER and (hashes or name != _HASH)]


def walked(*, client_id: int | None = None, hashes: bool = False) -> Iterator[Mapping[str, Any]]:
    """The users there are now, by number, without those who were erased; what is not there is None.

    client_id: of one client only. hashes: with the stored forms of their passwords.
    """
    # By number, not by a cursor: that needs a transaction as long as the export, and PgBouncer has none.
    newest = User.objects.order_by("-pk").values_list("pk", flat=True).first()
    told = fields(hashes=hashes)
    columns = [_COLUMNS.get(name, name) for name in told if name != "roles"]
    found = _found(client_id).filter(pk__lte=newest or 0).order_by("pk")
    last = 0
    while batch := list(found.filter(pk__gt=last).values("pk", *columns)[:BATCH_SIZE]):
        roles = _roles(batch[0]["pk"], batch[-1]["pk"])
        for values in batch:
            values["roles"] = roles.get(values["pk"], [])
            yield {name: _told(name, values[_COLUMNS.get(name, name)]) for name in told}
        last = batch[-1]["pk"]


def count(*, client_id: int | None = None) -> int:
    """How many there are."""
    total: int = _found(client_id).count()
    return total


def note(*, users: int, client_id: int | None, hashes: bool) -> None:
    """Keep that the operator took users out."""
    audit.record(
        actor=None,
        action="user.exported",
        target=("user", None),
        changes={"users": (None, users), "client_id": (None, client_id), "password_hashes": (None, hashes)},
    )


def _found(client_id: int | None) -> UserQuerySet:
    found: UserQuerySet = User.objects.filter(erased_at=None)
    return found if client_id is None else found.filter(client_id=client_id)


def _roles(first: int, last: int) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    manager: Any = User.groups.through._default_manager
    given = manager.filter(user_id__gte=first, user_id__lte=last).order_by("group__name")
    for pk, name in given.values_list("user_id", "group__name"):
        found.setdefault(pk, []).append(name)
    return found


def _told(name: str, value: Any) -> Any:
    if name == _HASH and value.startswith("!"):
        return None  # no password
    return None if value == {} else value
