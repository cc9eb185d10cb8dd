"""The product's shape of a user, and of what is sent for one: pure functions (contract 2 to 4)."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from django.utils.html import escape

from accounts import roles, usernames
from accounts.models import User
from accounts.services.users import HOME
from usermgmt.errors import Fault
from usermgmt.text import is_blank

STATUS = "offline"
"""The presence of everybody: the directory knows none."""


AVATAR = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200"><rect width="200" height="200" fill="#555"/>'
    '<text x="100" y="140" font-family="sans-serif" font-size="120" text-anchor="middle" fill="#fff">{initial}</text>'
    "</svg>"
)


COLUMNS = (
    "id",
    "username",
    "name",
    "is_active",
    "is_superuser",
    "nickname",
    "bio",
    "status_text",
    "custom_fields",
    "email",
    "email_verified",
    "created_at",
    "updated_at",
    "last_login",
    "must_change_password",
)
"""What others see a user by."""


def timestamp(moment: datetime) -> str:
    """ISO 8601, UTC, in milliseconds (contract 1)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_user(user: User, *, full: bool = True, public_fields: Collection[str] = ()) -> dict[str, Any]:
    """The user as others see it; the roles are read before, in lists.

    full: to whoever may see all; else without addresses, roles and times, and with `public_fields` of the custom ones.
    """
    custom = user.custom_fields
    if not full:
        custom = {name: value for name, value in custom.items() if name in public_fields}
    shown: dict[str, Any] = {
        "_id": str(user.pk),
        "username": user.username,
        "name": user.name,
        "type": "user",
        "status": STATUS,
        "active": user.is_active,
        **_present(nickname=user.nickname, bio=user.bio, statusText=user.status_text, customFields=custom),
    }
    if not full:
        return shown
    return shown | {
        "emails": [{"address": user.email, "verified": user.email_verified}],
        "roles": roles.of(user),
        "createdAt": timestamp(user.created_at),
        "_updatedAt": timestamp(user.updated_at),
        "settings": {},
        **_present(
            requirePasswordChange=user.must_change_password,
            lastLogin=None if user.last_login is None else timestamp(user.last_login),
        ),
    }


def to_own_user(user: User) -> dict[str, Any]:
    """The user as they see themselves: whether there is a password, never what is stored of it."""
    return {
        **to_user(user),
        "statusConnection": STATUS,
        "utcOffset": 0,
        "settings": {"profile": {}, "preferences": {}},
        "avatarUrl": avatar(user.username),
        "services": {"password": {"exists": user.has_usable_password()}},
        **_present(email=user.email if user.email_verified else ""),
    }


def avatar(username: str) -> str:
    """A picture of the user, there being none: the initial on a plain ground, as an address that needs no request."""
    return f"data:image/svg+xml,{quote(AVATAR.format(initial=escape(username[:1].upper())))}"


def to_found_user(shown: Mapping[str, Any], user: User, *, own: bool, full: bool) -> dict[str, Any]:
    """What `users.info` tells of a user, who is already in the shape that the caller may see. own: the caller's own
    record, which tells whether there is a password. full: whether all was shown."""
    services = {"services": {"password": True} if user.has_usable_password() else {}} if own else {}
    return {**shown, **services, "canViewAllInfo": full}


def from_new_user(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """As `from_changes`, for a user who is to be made: of the default client, unless `admin` is among the roles."""
    sent, faults = from_changes(values, administrator=False)
    sent.setdefault("client_id", HOME)
    sent["join_default_teams"] = values.get("joinDefaultChannels") is not False
    sent["prove_email"] = values.get("verified") is False
    if is_blank(sent["username"]):
        faults.append(Fault("username", "blank"))
    return sent, faults


def from_registration(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """As `from_new_user`, for somebody who registers: a plain user whose address is to be proven, called by the user
    name where no name is sent."""
    named = {**values, "name": (values.get("name") or "").strip() or values["username"], "password": values["pass"]}
    told = ("username", "name", "email", "password", "customFields")
    return from_new_user({"verified": False, **{name: named[name] for name in told if name in named}})


def from_changes(values: Mapping[str, Any], *, administrator: bool) -> tuple[dict[str, Any], list[Fault]]:
    """The service's arguments out of what was sent, types judged, and the faults that are this contract's own.

    `admin` among the roles is no role of the directory's, but no client: gained or lost, it moves the user.
    administrator: whether the user is one. null is as if it were not sent.
    """
    given = {name: value for name, value in values.items() if value is not None}
    sent = {argument: given[name] for name, argument in _ARGUMENTS.items() if name in given}
    faults: list[Fault] = []
    if "username" in sent and sent["username"].lower() in usernames.RESERVED:
        faults.append(Fault("username", "reserved"))
    if given.get("setRandomPassword"):
        sent.pop("password", None)
        sent["send_password"] = True
    if "roles" in sent:
        named = set(sent["roles"])
        sent["roles"] = sorted(named - {roles.ADMINISTRATOR})
        if (roles.ADMINISTRATOR in named) != administrator:
            sent["client_id"] = HOME if administrator else None
    return sent, faults


def from_edit(values: Mapping[str, Any], user: User) -> tuple[dict[str, Any], list[Fault]]:
    """As `from_changes`, for a user who is there. The product's own form sends what it leaves as it is along: a blank
    password or address, the present address and the present user name are as if they were not sent."""
    present = {"username": user.username, "email": user.email}
    given = {
        name: value
        for name, value in values.items()
        if not (name in _UNLESS_BLANK and not (value or "").strip()) and present.get(name, _ABSENT) != value
    }
    return from_changes(given, administrator=user.is_superuser)


_UNLESS_BLANK = ("password", "email")
_ABSENT = object()

_ARGUMENTS = {
    "email": "email",
    "name": "name",
    "username": "username",
    "password": "password",
    "nickname": "nickname",
    "bio": "bio",
    "statusText": "status_text",
    "active": "active",
    "roles": "roles",
    "requirePasswordChange": "must_change_password",
    "sendWelcomeEmail": "welcome",
    "verified": "email_verified",
    "customFields": "custom_fields",
}
"""The contract's name of a property to the service's of its argument."""


def _present(**values: Any) -> dict[str, Any]:
    """Those that there are: what is blank is as if absent (contract 3)."""
    return {name: value for name, value in values.items() if value}
