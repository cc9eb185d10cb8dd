"""The native contract's shape of a user, and of what is sent for one: pure functions."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts import passwords, roles
from accounts.models import ApiToken, Event, User
from accounts.services.api_tokens import MAX_LIFETIME
from clients.api.mapping import to_client
from usermgmt.actor import Actor
from usermgmt.errors import Fault


def timestamp(moment: datetime | None) -> str | None:
    """RFC 3339, UTC, with `Z`."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _profile(user: User) -> dict[str, Any]:
    teams = sorted(user.teams.all(), key=lambda team: (team.name_folded, team.pk))
    return {
        "given_name": user.given_name,
        "middle_name": user.middle_name,
        "family_name": user.family_name,
        "nickname": user.nickname,
        "bio": user.bio,
        "status_text": user.status_text,
        "custom_fields": user.custom_fields,
        "roles": roles.of(user),
        "teams": [team.name for team in teams],
        "must_change_password": user.must_change_password,
    }


INCLUDABLE: Mapping[str, Callable[[User], Any]] = {
    "active": lambda user: user.is_active,
    "username": lambda user: user.username,
    "email_verified": lambda user: user.email_verified,
    "created_at": lambda user: timestamp(user.created_at),
    "updated_at": lambda user: timestamp(user.updated_at),
    "last_sign_in": lambda user: timestamp(user.last_login),
    "role": lambda user: str(user.role),
    "profile": _profile,
}
"""What `?include=` adds (native contract 3)."""


_COLUMNS = ("id", "name", "email", "client__name")
_INCLUDED = ("is_active", "username", "email_verified", "created_at", "updated_at", "last_login", "is_superuser")


def columns_of(include: Collection[str]) -> tuple[str, ...]:
    """What `to_user` reads of a user; none: everything."""
    if "profile" in include:
        return ()
    return (*_COLUMNS, *_INCLUDED) if include else _COLUMNS  # not each by itself: each choice is SQL of its own


def to_user(user: User, include: Iterable[str] = ()) -> dict[str, Any]:
    """The user as the contract shows it: four keys in this order, then those of `include`.

    A profile tells groups and teams, which are read before (`accounts.api.including`).
    """
    client = user.client
    shown: dict[str, Any] = {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "client": None if client is None else to_client(client),
    }
    for name in include:
        shown[name] = INCLUDABLE[name](user)
    return shown


def to_api_token(token: ApiToken) -> dict[str, Any]:
    """An API token as the contract shows it; never the token itself."""
    return {
        "id": token.pk,
        "name": token.name,
        "client": None if token.client is None else to_client(token.client),
        "read_only": token.read_only,
        "created_at": timestamp(token.created_at),
        "expires_at": timestamp(token.expires_at),
        "last_used_at": timestamp(token.last_used_at),
    }


def from_api_token(
    values: Mapping[str, Any], faults: Iterable[Fault], *, now: datetime
) -> tuple[dict[str, Any], list[Fault]]:
    """The service's arguments out of a body that was read, and the faults so far: a lifetime in seconds becomes the
    moment of its end."""
    found = list(faults)
    sent = dict(values)
    seconds = sent.pop("expires_in", None)
    if seconds is None:
        return sent, found
    if sent.get("expires_at") is not None:
        found.append(Fault("expires_in", "not_both", {"attribute": "expires_at"}))
    elif seconds < 1:
        found.append(Fault("expires_in", "not_positive"))
    elif seconds > MAX_LIFETIME.total_seconds():
        found.append(Fault("expires_in", "too_far"))
    else:
        sent["expires_at"] = now + timedelta(seconds=seconds)
    return sent, found


def from_include(parameter: str) -> tuple[list[str], list[Fault]]:
    """The names in `?include=`, in the order of the contract, and a fault if one is unknown."""
    names = {name.strip() for name in parameter.split(",")} - {""}
    if not names <= INCLUDABLE.keys():
        return [], [Fault("include", "unknown_choice", {"choices": ", ".join(INCLUDABLE)})]
    return [name for name in INCLUDABLE if name in names], []


def from_user(values: Mapping[str, Any], faults: Iterable[Fault], *, new: bool) -> tuple[dict[str, Any], list[Fault]]:
    """The service's arguments out of a body that was read, and the faults so far.

    The contract's own rules stand here: the confirmation comes with every password; a new user needs a
    password, or is invited to choose one; in an update a blank one means unchanged.
    """
    found = list(faults)
    unreadable = {fault.field for fault in found}
    needed = new and values.get("invite") is not True
    sent = {name: value for name, value in values.items() if name != "password_confirmation"}
    password = sent.pop("password", "")
    given = bool(password) or "password" in unreadable
    if password:
        sent["password"] = password
    if needed and not given:
        found.append(Fault("password", "blank"))
    confirmation = values.get("password_confirmation", "")
    if "password_confirmation" in unreadable or not (given or needed):
        return sent, found
    if password:
        found += passwords.check_confirmation(password, confirmation)
    elif not confirmation:
        found.append(Fault("password_confirmation", "blank"))
    return sent, found


def to_event(event: Event, reader: Actor | None) -> dict[str, Any]:
    """A row of the audit trail, read with its names, as `reader` may see it; None: the operator.

    Whoever is no administrator reads what others did to them, and not by whose address or from where.
    """
    named: Any = event  # annotations have no types
    told = reader is None or reader.is_superuser or event.actor_id == reader.pk
    return {
        "id": event.pk,
        "at": timestamp(event.at),
        "contract": event.contract,
        "action": event.action,
        "actor": None if event.actor_id is None else {"id": event.actor_id, "email": named.actor_email},
        "target": {"kind": event.target_kind, "id": event.target_id, "name": named.target_name},
        "changes": event.changes,
        "request_id": event.request_id,
        "address": event.address if told else None,
    }
