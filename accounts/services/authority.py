"""Who may change what of a user that is there: asked before the rules, and again under the lock."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from accounts import grants, policies, roles
from accounts.grants import Grant
from accounts.models import User
from accounts.services import duties
from accounts.services.roles import exceeding, grants_of
from clients.policies import in_scope
from usermgmt.actor import Actor
from usermgmt.errors import Fault, Forbidden, Invalid, InvalidToken, NotFound

_NEVER_DELEGATED = ("external_id", "featured")  # other systems find the user by the one, and the other judges them
_ONLY_ADMINISTRATORS_SET = (
    *("client_id", "active", "email_verified", "must_change_password", "roles", "teams"),
    *_NEVER_DELEGATED,
)


def present(actor: Actor | None, user: User | None) -> User:
    """The user, if it is there for `actor`, who is always there itself; raises NotFound."""
    if user is None or not (actor is None or actor.pk == user.pk or _is_there(actor, user)):
        raise NotFound("user")
    return user


def check(*, actor: Actor | None, user: User, sent: Mapping[str, Any], reported: Sequence[Fault]) -> None:
    """Only administrators change the client, the state, what is verified and the roles (native contract 2), and, of
    users of the own client, whom their roles let; a token bound to a client moves nobody out of it, and no API token
    changes its owner's password or e-mail. Whoever must change the password does that, whatever else they do along.

    reported: faults that the contract found while reading: what could not be read counts as a change. Sending back
    what is there is fine. Raises Forbidden, Invalid (roles that are not the actor's to give), MustChangePassword.
    """
    if actor is None:
        return
    duties.check(actor=actor, user=user, sent=sent, unreadable={fault.field for fault in reported})
    if _is_delegated(actor, user):
        _check_delegated(actor, user, sent, reported)
        return
    if not policies.can_update(actor, user.pk):
        raise Forbidden
    if not policies.can_set_credentials(actor, user.pk):
        _unchanged(("email", "password"), sent, {"email": user.email}, reported)
    if policies.can_administer(actor):
        if not in_scope(actor, sent.get("client_id", user.client_id)):
            raise Forbidden
        return
    _unchanged(_ONLY_ADMINISTRATORS_SET, sent, _present_values(user, sent), reported)


def check_creation(actor: Actor | None, client_id: int | None, sent: Mapping[str, Any]) -> None:
    """Raise Forbidden unless the actor may make users of that client; None: administrators. Nobody but administrators
    sets what no role lets set."""
    if actor is None:
        return
    if not policies.can_create_in(actor, client_id):
        raise Forbidden
    if not policies.can_administer(actor) and any(sent.get(field) for field in _NEVER_DELEGATED):
        raise Forbidden


def check_deletion(actor: Actor | None, user: User) -> None:
    """Raise Forbidden unless the actor may delete the user."""
    if actor is None or policies.can_delete(actor, user.pk):
        return
    if not grants.extends_to(actor, Grant.DELETE, user.client_id) or not _is_no_greater(user, actor):
        raise Forbidden


def check_gift(actor: Actor | None, names: Collection[str], former: Collection[str] | None = None) -> None:
    """Raise Invalid unless the actor may give those roles: whoever is no administrator none that allows more than the
    own ones do; to nobody the default one neither, by giving none or taking all.

    former: the roles that the user has, which are no gift; None: there is no user yet.
    """
    if actor is None or actor.is_superuser:
        return
    given = set(roles.effective(names)) - set(roles.effective(former) if former is not None else ())
    greater = exceeding(given, actor.grants) if given else []
    if greater:
        raise Invalid([Fault("roles", "not_yours_to_give", {"role": name}) for name in greater])


def check_signed_in(actor: Actor | None, user: User) -> None:
    """Raise InvalidToken if the actor is the locked `user`, whose tokens have died since the actor was let in.

    Whoever has stolen one would else wait for the very change that ends it, and write over it, or outlive it.
    """
    if actor is not None and actor.pk == user.pk and actor.token_version != user.token_version:
        raise InvalidToken


def _is_there(actor: Actor, user: User) -> bool:
    """Whether another user is there for the actor: to whom roles show the own client there is nobody outside of it."""
    outside = grants.sees_own_client(actor) and not actor.is_superuser and user.client_id != actor.client_id
    return in_scope(actor, user.client_id) and not outside


def _is_delegated(actor: Actor, user: User) -> bool:
    """Whether it is by a role that the actor changes another user."""
    return actor.pk != user.pk and any(
        grants.extends_to(actor, grant, user.client_id) for grant in (Grant.EDIT, Grant.SET_ACTIVE)
    )


def _check_delegated(actor: Actor, user: User, sent: Mapping[str, Any], reported: Sequence[Fault]) -> None:
    """What roles let a regular user change: never somebody whose own roles allow more."""
    if not _is_no_greater(user, actor):
        raise Forbidden
    unreadable = {fault.field for fault in reported}
    allowed: set[str] = set()
    if Grant.SET_ACTIVE in actor.grants:
        allowed.add("active")
    if Grant.EDIT in actor.grants:
        allowed |= sent.keys() | unreadable
        allowed -= {"client_id", "teams", *_NEVER_DELEGATED} | (
            {"active"} if Grant.SET_ACTIVE not in actor.grants else set()
        )
    now = _present_values(user, sent)
    _unchanged((sent.keys() | unreadable) - allowed, sent, now, reported)
    if "roles" in sent:
        check_gift(actor, sent["roles"], former=roles.given_to(user))


def _is_no_greater(user: User, actor: Actor) -> bool:
    """Whether the roles of `user` allow nothing that those of `actor` do not: who sets a password can sign in by it."""
    return grants_of(user) <= set(actor.grants)


def _present_values(user: User, sent: Mapping[str, Any]) -> dict[str, Any]:
    now: dict[str, Any] = {
        "client_id": user.client_id,
        "active": user.is_active,
        "email_verified": user.email_verified,
        "must_change_password": user.must_change_password,
        "external_id": user.external_id,
        "featured": user.featured,
    }
    if "roles" in sent:
        now["roles"] = roles.given_to(user)
        if not user.is_superuser and roles.effective(now["roles"]) == roles.effective(sent["roles"]):
            now["roles"] = sent["roles"]
    if "teams" in sent:
        now["teams"] = sorted(user.teams.values_list("pk", flat=True))
    return now


def _unchanged(
    fields: Iterable[str], sent: Mapping[str, Any], now: Mapping[str, Any], reported: Sequence[Fault]
) -> None:
    """Raise Forbidden if any of `fields` is sent with another value than it has now, or with none to read."""
    unreadable = {fault.field for fault in reported}
    for field in fields:
        if field in unreadable or (field in sent and (field not in now or sent[field] != now[field])):
            raise Forbidden
