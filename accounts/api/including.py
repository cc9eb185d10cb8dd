"""Users as the native contract shows them, with what `?include=` asks for read along (native contract 3)."""

from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import prefetch_related_objects

from accounts import roles
from accounts.api.mapping import to_user
from accounts.models import User


def shown(user: User, include: Collection[str]) -> dict[str, Any]:
    """One user."""
    return all_shown([user], include)[0]


def all_shown(users: Sequence[User], include: Collection[str]) -> list[dict[str, Any]]:
    """Any number of users; a profile costs two queries more, however many they are."""
    if "profile" in include:
        roles.read_of(users)
        prefetch_related_objects(users, "teams")
    return [to_user(user, include) for user in users]
