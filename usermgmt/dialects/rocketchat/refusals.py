"""What changing, removing and registering a user refuse, in the product's words and order (contract 4)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from usermgmt.dialects.rocketchat.errors import TABLE, Row
from usermgmt.errors import BASE

_NOT_ALLOWED = "error-action-not-allowed"
_LAST = {"last_administrator"}


def _row(field: str, codes: Collection[str], code: str, message: str, details: Mapping[str, Any] | None = None) -> Row:
    return Row(field, frozenset(codes), code, lambda fault, said: message, lambda fault, said: details)


def _identity(field: str, codes: Collection[str]) -> Row:
    return _row(field, codes, "error-could-not-save-identity", "Could not save user identity", {"method": "saveUser"})


_BAD_NAME = _row("name", {"invalid"}, "", "Name contains invalid characters")
_FIRST = [row for row in TABLE if row.field in ("custom_fields", "roles")]

CHANGING: Sequence[Row] = (
    _BAD_NAME,
    *_FIRST,
    _identity("username", {"blank", "reserved", "taken"}),
    _identity("name", {"blank", "too_long"}),
    *TABLE,
    _row(
        BASE,
        _LAST,
        _NOT_ALLOWED,
        "Leaving the app without an active admin is not allowed",
        {"method": "removeUserFromRole", "action": "Remove_last_admin"},
    ),
)

REMOVING: Sequence[Row] = (
    _row(
        BASE,
        _LAST,
        _NOT_ALLOWED,
        "Leaving the app without admins is not allowed",
        {"method": "deleteUser", "action": "Remove_last_admin"},
    ),
)


REGISTERING: Sequence[Row] = (
    _BAD_NAME,
    _row("username", {"blank", "invalid", "too_long"}, "", "The username provided is not valid"),
    _row("username", {"reserved", "taken"}, "", "Username is already in use"),
    # Meteor's own refusal, whose code is a number; told as it is, so registration is limited (see registering).
    _row("email", {"taken"}, "403", "Email already exists."),
    *TABLE,
)
