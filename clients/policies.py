"""Who may do what to clients: pure predicates (native contract 2)."""

from usermgmt.actor import Actor


def can_administer(actor: Actor) -> bool:
    """List, create, update, delete."""
    return actor.is_superuser


def can_view(actor: Actor, client_id: int) -> bool:
    """Administrators any client, a regular user the own one."""
    return actor.is_superuser or actor.client_id == client_id
