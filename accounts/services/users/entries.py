"""What the audit trail tells of users who come and go."""

from typing import Any

from accounts.models import User
from usermgmt import audit
from usermgmt.actor import Actor

_TOLD_WHERE_SET = ("external_id", "featured", "public_profile", "properties")


def creation(actor: Actor | None, user: User, number: int | None = None) -> audit.Entry:
    """The audit trail's entry of a user just made. number: as in `audit.Entry`."""
    told = _facts(user) | {field: getattr(user, field) for field in _TOLD_WHERE_SET if getattr(user, field)}
    return audit.Entry(
        actor=actor,
        action="user.created",
        target=("user", user.pk),
        changes={field: (None, value) for field, value in told.items()},
        number=number,
    )


def deletion(actor: Actor | None, user: User, user_id: int) -> audit.Entry:
    """The audit trail's entry of a user just deleted, who has no number any more."""
    return audit.Entry(
        actor=actor,
        action="user.deleted",
        target=("user", user_id),
        changes={field: (value, None) for field, value in _facts(user).items()},
    )


def _facts(user: User) -> dict[str, Any]:
    """No secrets."""
    return {
        "name": user.name,
        "email": user.email,
        "username": user.username,
        "client_id": user.client_id,
        "active": user.is_active,
    }
