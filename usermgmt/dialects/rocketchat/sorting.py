"""`sort`: in which order a list of users is, as MongoDB is told it (contract 4)."""

from typing import Any

from django.db.models import F
from django.db.models.expressions import OrderBy

from accounts.managers import UserQuerySet
from usermgmt.dialects.rocketchat import parameters

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


def ordered(users: UserQuerySet, text: str, *, full: bool) -> UserQuerySet:
    """The users in the order that `sort` says; a total one, as it ends with the id. Raises Refused.

    full: whether the caller sees all of every user.
    """
    columns = FULL_COLUMNS if full else COLUMNS
    wanted = parameters.read("sort", text) if text else DEFAULT
    if not all(key in columns and _is_direction(way) for key, way in wanted.items()):
        raise parameters.invalid("sort", text)
    return users.order_by(*(_by(columns[key], way) for key, way in wanted.items()), "id")


def _is_direction(way: Any) -> bool:
    return not isinstance(way, bool) and way in (1, -1)


def _by(column: str, way: int) -> OrderBy:
    """What has no value is smallest, as in MongoDB; databases of ours disagree."""
    if way > 0:
        return F(column).asc(nulls_first=True if column == "last_login" else None)
    return F(column).desc(nulls_last=True if column == "last_login" else None)
