"""Who may change what of a user that is there: asked before the rules, and again under the lock."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from accounts import policies
from accounts.models import User
from accounts.services import duties
from clients.policies import in_scope
from usermgmt.actor import Actor
from usermgmt.errors import Fault, Forbidden, InvalidToken, NotFound

_ONLY_ADMINISTRATORS_SET = ("client_id", "active", "email_verified", "must_change_password")


def present(actor: Actor | None, user: User | None) -> User:
    """The user, if it is there for `actor`, who is always there itself; raises NotFound."""
    if user is None or not (in_scope(actor, user.client_id) or (actor is not None and actor.pk == user.pk)):
        raise NotFound("user")
    return user


def check(*, actor: Actor | None, user: User, sent: Mapping[str, Any], reported: Sequence[Fault]) -> None:
    """Only administrators change the client, the state and what is verified (native contract 2); a token bound to
    a client moves nobody out of it, and no API token changes its owner's password or e-mail. Whoever must change
    the password does that, whatever else they do along.

    reported: faults that the contract found while reading: what could not be read counts as a change. Sending back
    what is there is fine. Raises Forbidden, MustChangePassword.
    """
    if actor is None:
        return
    duties.check(actor=actor, user=user, sent=sent, unreadable={fault.field for fault in reported})
    if not policies.can_update(actor, user.pk):
        raise Forbidden
    if not policies.can_set_credentials(actor, user.pk):
        _unchanged(("email", "password"), sent, {"email": user.email}, reported)
    if policies.can_administer(actor):
        if not in_scope(actor, sent.get("client_id", user.client_id)):
            raise Forbidden
        return
    now = {
        "client_id": user.client_id,
        "active": user.is_active,
        "email_verified": user.email_verified,
        "must_change_password": user.must_change_password,
    }
    _unchanged(_ONLY_ADMINISTRATORS_SET, sent, now, reported)


def check_signed_in(actor: Actor | None, user: User) -> None:
    """Raise InvalidToken if the actor is the locked `user`, whose tokens have died since the actor was let in.

    Whoever has stolen one would else wait for the very change that ends it, and write over it, or outlive it.
    """
    if actor is not None and actor.pk == user.pk and actor.token_version != user.token_version:
        raise InvalidToken


def _unchanged(
    fields: Iterable[str], sent: Mapping[str, Any], now: Mapping[str, Any], reported: Sequence[Fault]
) -> None:
    """Raise Forbidden if any of `fields` is sent with another value than it has now, or with none to read."""
    unreadable = {fault.field for fault in reported}
    for field in fields:
        if field in unreadable or (field in sent and (field not in now or sent[field] != now[field])):
            raise Forbidden
