"""The native contract's shape of a user, and of what is sent for one: pure functions."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from accounts import passwords
from accounts.models import User
from clients.api.mapping import to_client
from usermgmt.errors import Fault


def timestamp(moment: datetime | None) -> str | None:
    """RFC 3339, UTC, with `Z`."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _profile(user: User) -> dict[str, str]:
    return {
        "given_name": user.given_name,
        "middle_name": user.middle_name,
        "family_name": user.family_name,
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


def to_user(user: User, include: Iterable[str] = ()) -> dict[str, Any]:
    """The user as the contract shows it: four keys in this order, then those of `include`."""
    shown = {
        "id": user.pk,
        "name": user.name,
        "email": user.email,
        "client": None if user.client is None else to_client(user.client),
    }
    return shown | {name: INCLUDABLE[name](user) for name in include}


def from_include(parameter: str) -> tuple[list[str], list[Fault]]:
    """The names in `?include=`, in the order of the contract, and a fault if one is unknown."""
    names = {name.strip() for name in parameter.split(",")} - {""}
    if not names <= INCLUDABLE.keys():
        return [], [Fault("include", "unknown_choice", {"choices": ", ".join(INCLUDABLE)})]
    return [name for name in INCLUDABLE if name in names], []


def from_user(values: Mapping[str, Any], faults: Iterable[Fault], *, new: bool) -> tuple[dict[str, Any], list[Fault]]:
    """The service's arguments out of a body that was read, and the faults so far.

    The contract's own rules stand here: the confirmation comes with every password; a new user needs a
    password; in an update a blank one means unchanged.
    """
    found = list(faults)
    unreadable = {fault.field for fault in found}
    sent = {name: value for name, value in values.items() if name != "password_confirmation"}
    password = sent.pop("password", "")
    given = bool(password) or "password" in unreadable
    if password:
        sent["password"] = password
    if new and not given:
        found.append(Fault("password", "blank"))
    confirmation = values.get("password_confirmation", "")
    if "password_confirmation" in unreadable or not (given or new):
        return sent, found
    if password:
        found += passwords.check_confirmation(password, confirmation)
    elif not confirmation:
        found.append(Fault("password_confirmation", "blank"))
    return sent, found
