"""User names: their form, and how one is made where a contract has none (DESIGN 2, "User name")."""

import re
import secrets

from usermgmt.text import IDENTIFIER, is_identifier

MAX_LENGTH = 255
FORM = IDENTIFIER
_MADE_LENGTH = 64  # of names made here; leaves room for a suffix

RESERVED = frozenset({"all", "here", "admin", "administrator", "system", "user"})
"""Names that mean a group or the system to chat clients (Rocket.Chat blocks them)."""


def has_form(username: str) -> bool:
    """Whether the name has only the allowed characters; length apart."""
    return is_identifier(username)


def made_from(email: str, *, distinct: bool = False) -> str:
    """A name made from the local part of `email`.

    distinct: add a random suffix, for when the plain one is taken.
    """
    local = email.partition("@")[0]
    name = re.sub(r"[^0-9A-Za-z._-]", "-", local)[:_MADE_LENGTH]
    if distinct or name.lower() in RESERVED:
        return f"{name}-{secrets.token_hex(4)}"
    return name
