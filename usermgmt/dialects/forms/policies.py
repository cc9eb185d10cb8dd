"""The authorization policies that a configuration may name (contract 0): who may use it, and for whom."""

from collections.abc import Callable, Collection
from typing import Final

from usermgmt.actor import Actor
from usermgmt.errors import Forbidden

Policy = Callable[[Actor, int | None], bool]
"""Asked with the caller and the client of the user who is to be made, changed or signed in; None: of no client."""


def client_of(actor: Actor) -> int | None:
    """The client that a caller acts in: the one that the token is bound to, else the own one; None: all of them."""
    return actor.scope_id or actor.client_id


def _administrator(actor: Actor, client_id: int | None) -> bool:
    return actor.is_superuser


def _authenticated(actor: Actor, client_id: int | None) -> bool:
    return True  # whoever is not was sent away before


def _same_client(actor: Actor, client_id: int | None) -> bool:
    return client_id is not None and client_of(actor) == client_id


def _nobody(actor: Actor, client_id: int | None) -> bool:
    return False


POLICIES: Final[dict[str, Policy]] = {
    "administrator": _administrator,
    "authenticated": _authenticated,
    "same_client": _same_client,
    "nobody": _nobody,
}


def check(names: Collection[str], actor: Actor, client_id: int | None) -> None:
    """Raise Forbidden unless each of the policies lets the caller pass; one that there is not lets nobody."""
    for name in names:
        if not POLICIES.get(name, _nobody)(actor, client_id):
            raise Forbidden
