"""What changing, removing and registering a user refuse, in the product's words and order (contract 4)."""

from collections.abc import Collection, Sequence

from usermgmt.dialects.rocketchat.errors import NOT_ALLOWED, TABLE, Row, row
from usermgmt.errors import BASE

_LAST = {"last_administrator"}


def _identity(field: str, codes: Collection[str]) -> Row:
    return row(field, codes, "error-could-not-save-identity", "Could not save user identity", {"method": "saveUser"})


_BAD_NAME = row("name", {"invalid"}, "", "Name contains invalid characters")
_FIRST = [about for about in TABLE if about.field in ("custom_fields", "roles")]

CHANGING: Sequence[Row] = (
    _BAD_NAME,
    *_FIRST,
    _identity("username", {"blank", "reserved", "taken"}),
    _identity("name", {"blank", "too_long"}),
    *TABLE,
    row(
        BASE,
        _LAST,
        NOT_ALLOWED,
        "Leaving the app without an active admin is not allowed",
        {"method": "removeUserFromRole", "action": "Remove_last_admin"},
    ),
)

REMOVING: Sequence[Row] = (
    row(
        BASE,
        _LAST,
        NOT_ALLOWED,
        "Leaving the app without admins is not allowed",
        {"method": "deleteUser", "action": "Remove_last_admin"},
    ),
)


REGISTERING: Sequence[Row] = (
    _BAD_NAME,
    row("username", {"blank", "invalid", "too_long"}, "", "The username provided is not valid"),
    row("username", {"reserved", "taken"}, "", "Username is already in use"),
    # Meteor's own refusal, whose code is a number; told as it is, so registration is limited (see registering).
    row("email", {"taken"}, "403", "Email already exists."),
    *TABLE,
)
