"""The contract's shape of a user, and of what is sent for one: pure functions (contract 2)."""

from collections.abc import Mapping
from typing import Any

from accounts import emails, names
from accounts.models import User
from usermgmt.errors import Fault
from usermgmt.text import is_blank

ARGUMENTS = {"firstName": "given_name", "lastName": "family_name", "contactEmail": "email"}
"""The contract's name of a property to the service's of its argument; in the contract's order."""

PROPERTIES = {argument: name for name, argument in ARGUMENTS.items()}

LENGTHS = {
    "given_name": (1, names.MAX_LENGTH),
    "family_name": (1, names.MAX_LENGTH),
    "email": (emails.MIN_LENGTH, emails.MAX_LENGTH),
}
"""How many characters a property has at least and at most."""


COLUMNS = ("id", "name", "given_name", "family_name", "email")
"""What a user is shown by."""


def to_user(user: User) -> dict[str, Any]:
    """Exactly these four keys; the names as they are shown everywhere in this contract."""
    first, last = names.in_parts(user.name, user.given_name, user.family_name)
    return {"userId": user.id, "firstName": first, "lastName": last, "contactEmail": user.email}


def from_user(body: Mapping[str, Any], *, new: bool) -> tuple[dict[str, Any], list[Fault]]:
    """The service's arguments out of a body, and its faults, missing properties first.

    Nothing is trimmed or coerced. new: whether every property is needed.
    """
    sent = {argument: body[name] for name, argument in ARGUMENTS.items() if name in body}
    missing = [Fault(argument, "missing") for argument in PROPERTIES if new and argument not in sent]
    faults = [fault for argument, value in sent.items() for fault in _of_value(argument, value)]
    return {argument: value for argument, value in sent.items() if isinstance(value, str)}, missing + faults


def renamed(user: User, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The name that goes along with parts that are sent, and the part that only the name told so far.

    What is shown of one part never changes with the other, and what is kept of it beyond that stays. To send back what
    is shown changes nothing: whoever reads a user, and writes the whole back with another address, renames nobody.
    """
    given, family = names.in_parts(user.name, user.given_name, user.family_name)
    shown = {"given_name": given, "family_name": family}
    if not shown.keys() & sent.keys():
        return {}
    stored = {part: getattr(user, part) for part in shown}
    parts = {part: sent[part] for part, text in shown.items() if sent.get(part, text) != text}
    if not parts:
        return stored | {"name": user.name}
    kept = {part: stored[part] if stored[part].startswith(text) else text for part, text in shown.items()}
    return kept | parts | {"name": names.joined(**(shown | parts))}


def _of_value(argument: str, value: Any) -> list[Fault]:
    if not isinstance(value, str):
        return [Fault(argument, "wrong_type")]
    minimum, maximum = LENGTHS[argument]
    if len(value) < minimum:
        return [Fault(argument, "too_short", {"minimum": minimum})]
    if len(value) > maximum:
        return [Fault(argument, "too_long", {"maximum": maximum})]
    if argument != "email" and is_blank(value):
        return [Fault(argument, "blank")]
    # The directory trims addresses; here a space around one is a character of it.
    if argument == "email" and value != value.strip():
        return [Fault(argument, "invalid")]
    return []
