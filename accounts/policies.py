"""Who may do what to users: pure predicates (native contract 2)."""

from usermgmt.actor import Actor


def can_administer(actor: Actor) -> bool:
    """List, create and delete users, and set what only administrators set."""
    return actor.is_superuser


def can_view(actor: Actor, user_id: int) -> bool:
    """Administrators anyone, regular users themselves."""
    return actor.is_superuser or actor.pk == user_id


def can_update(actor: Actor, user_id: int) -> bool:
    """Administrators anyone, regular users themselves."""
    return can_view(actor, user_id)


def can_sign_out(actor: Actor, user_id: int) -> bool:
    """Administrators anyone, regular users themselves (native contract 7)."""
    return can_view(actor, user_id)
