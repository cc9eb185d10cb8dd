"""Grants: what a role lets a regular user do to the other users of the own client.

They are Django permissions of `User`, which staff give to roles. A contract that knows roles puts those of its caller
on the actor (`Actor.grants`); for a contract that does not, as the native one, nobody has any. Administrators need
none. The names are Rocket.Chat's, whose software asks for them.
"""

from enum import StrEnum
from typing import Any

from usermgmt.actor import Actor


class Grant(StrEnum):
    """One thing that a role may allow; the value is the permission's code name."""

    CREATE = "create-user"
    EDIT = "edit-other-user-info"
    SET_ACTIVE = "edit-other-user-active-status"
    DELETE = "delete-user"
    VIEW = "view-full-other-user-info"
    ASSIGN_ADMINISTRATOR = "assign-admin-role"  # only ever works for administrators (policies.can_make_administrators)
    UNLIMITED = "api-bypass-rate-limit"


PERMISSIONS: list[tuple[str, Any]] = [
    (Grant.CREATE.value, "Create users of the own client"),
    (Grant.EDIT.value, "Edit other users of the own client"),
    (Grant.SET_ACTIVE.value, "Activate and deactivate other users of the own client"),
    (Grant.DELETE.value, "Delete users of the own client"),
    (Grant.VIEW.value, "See all that is known of other users of the own client"),
    (Grant.ASSIGN_ADMINISTRATOR.value, "Assign the role of an administrator"),
    (Grant.UNLIMITED.value, "Call without a limit in number"),
]
"""As Django has them in `Meta.permissions`: code name and label."""

_OVER_OTHERS = frozenset({Grant.EDIT, Grant.SET_ACTIVE, Grant.DELETE, Grant.VIEW})


def has(actor: Actor, grant: Grant) -> bool:
    """Whether the actor may do it to anybody at all: administrators everything."""
    return actor.is_superuser or grant in actor.grants


def extends_to(actor: Actor, grant: Grant, client_id: int | None) -> bool:
    """Whether a role of the actor, a regular user, allows it for users of that client: only ever of the own one."""
    return not actor.is_superuser and grant in actor.grants and client_id is not None and client_id == actor.client_id


def sees_own_client(actor: Actor) -> bool:
    """Whether the other users of the own client are there for a regular user: whoever may do anything to them."""
    return not _OVER_OTHERS.isdisjoint(actor.grants)
