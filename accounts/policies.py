"""Who may do what to users and their tokens: pure predicates (native contract 2).

A token bound to a client leaves less there for its owner: whatever is outside of the client is not found
(`clients.policies.in_scope`), and of the owner itself, who may be outside, nothing can be changed.
"""

from accounts import grants
from accounts.grants import Grant
from clients.policies import in_scope
from usermgmt.actor import Actor


def can_administer(actor: Actor) -> bool:
    """List, create and delete users, and set what only administrators set."""
    return actor.is_superuser


def can_create_in(actor: Actor, client_id: int | None) -> bool:
    """Make a user of that client, or move one there; None: an administrator."""
    allowed = can_administer(actor) or grants.extends_to(actor, Grant.CREATE, client_id)
    return allowed and in_scope(actor, client_id)


def can_make_administrators(actor: Actor) -> bool:
    """Make a user of no client: administrators that no token binds to one; no role is enough for that."""
    return can_create_in(actor, None)


def can_view(actor: Actor, user_id: int) -> bool:
    """Administrators anyone, regular users themselves."""
    return actor.is_superuser or actor.pk == user_id


def can_update(actor: Actor, user_id: int) -> bool:
    """Administrators anyone, regular users themselves; nobody themselves from outside of their scope."""
    return can_view(actor, user_id) and not _is_outside_itself(actor, user_id)


def can_delete(actor: Actor, user_id: int) -> bool:
    """Administrators anyone, but not themselves from outside of their scope."""
    return can_administer(actor) and not _is_outside_itself(actor, user_id)


def can_sign_out(actor: Actor, user_id: int) -> bool:
    """Whoever may update (native contract 7)."""
    return can_update(actor, user_id)


def can_set_credentials(actor: Actor, user_id: int) -> bool:
    """Set password and e-mail. No API token sets its own owner's: it would outlive its revocation."""
    return can_update(actor, user_id) and (actor.token_id is None or actor.pk != user_id)


def can_manage_tokens(actor: Actor, user_id: int) -> bool:
    """Make and revoke API tokens of a user: administrators anyone's, others their own. A token breeds no tokens."""
    return actor.token_id is None and can_view(actor, user_id)


def chooses_for_another(actor: Actor | None, user_id: int | None) -> bool:
    """Whether a password that `actor` sets for a user is one that somebody else will sign in with.

    actor: None is the operator, or somebody not signed in who proved to be the user. user_id: None is a new user.
    """
    return actor is not None and actor.pk != user_id


def can_administer_roles(actor: Actor) -> bool:
    """Make and change what is no client's: roles, definitions of custom fields. Administrators that no token binds."""
    return can_administer(actor) and actor.scope_id is None


def can_administer_teams(actor: Actor, client_id: int) -> bool:
    """Make, change and fill the teams of a client."""
    return can_administer(actor) and in_scope(actor, client_id)


def can_read_trail(actor: Actor) -> bool:
    """The audit trail as a whole: administrators."""
    return actor.is_superuser


def _is_outside_itself(actor: Actor, user_id: int) -> bool:
    """Whether a token bound to a client is about to touch an owner who is not of that client."""
    return actor.pk == user_id and not in_scope(actor, actor.client_id)
