"""Users as a caller may see them (contract 3)."""

from collections.abc import Sequence
from typing import Any

from accounts import grants, roles
from accounts.grants import Grant
from accounts.models import CustomField, User
from usermgmt.actor import Actor
from usermgmt.dialects.rocketchat.mapping import to_user


def sees_all(actor: Actor | None, user: User) -> bool:
    """Whether whoever asks sees all that is known of the user: of oneself always."""
    return actor is not None and (actor.pk == user.pk or grants.has(actor, Grant.VIEW))


def shown(actor: Actor | None, users: Sequence[User]) -> list[dict[str, Any]]:
    """Each user in the contract's shape; which custom fields are public is asked once, where it matters."""
    full = [sees_all(actor, user) for user in users]
    if any(full):
        roles.read_of(users)
    public = set() if all(full) else set(CustomField.objects.filter(public=True).values_list("name", flat=True))
    return [to_user(user, full=sees, public_fields=public) for user, sees in zip(users, full, strict=True)]
