"""Who may do what to clients: pure predicates (native contract 2)."""

from usermgmt.actor import Actor


def in_scope(actor: Actor | None, client_id: int | None) -> bool:
    """Whether what belongs to a client (None: to none) is there for `actor`: all of it, unless the token at hand is
    bound to one client."""
    return actor is None or actor.scope_id is None or actor.scope_id == client_id


def can_administer(actor: Actor) -> bool:
    """List, update, delete."""
    return actor.is_superuser


def can_create(actor: Actor) -> bool:
    """Make clients: a new one is outside of every scope."""
    return can_administer(actor) and actor.scope_id is None


def can_view(actor: Actor, client_id: int) -> bool:
    """Administrators any client, a regular user the own one."""
    return actor.is_superuser or actor.client_id == client_id
