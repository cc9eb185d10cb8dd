"""`sort`: in which order a list of users is, as MongoDB is told it (contract 4)."""

from typing import Any

from usermgmt.dialects.rocketchat import parameters
from usermgmt.windows import Key

COLUMNS = {
    "_id": "id",
    "username": "username_canonical",
    "name": "name_sorted",
    "active": "is_active",
    "status": "is_active",  # everybody is offline; the product sorts by both
}
"""A key to the column that it sorts by; user names and names without regard to case."""

FULL_COLUMNS = COLUMNS | {
    "createdAt": "created_at",
    "_updatedAt": "updated_at",
    "lastLogin": "last_login",
    "emails.address": "email_canonical",
}
"""The same for whoever sees all of every user: the order would tell others what is not shown to them."""

DEFAULT = {"username": 1}


def keys_of(text: str, *, full: bool) -> list[Key]:
    """What `sort` says to sort by. Raises Refused.

    full: whether the caller sees all of every user.
    """
    columns = FULL_COLUMNS if full else COLUMNS
    wanted = parameters.read("sort", text) if text else DEFAULT
    if not all(key in columns and _is_direction(way) for key, way in wanted.items()):
        raise parameters.invalid("sort", text)
    # What has no value is smallest, as in MongoDB.
    return [Key(columns[key], descending=way < 0, blanks_first=way > 0) for key, way in wanted.items()]


def _is_direction(way: Any) -> bool:
    return not isinstance(way, bool) and way in (1, -1)
