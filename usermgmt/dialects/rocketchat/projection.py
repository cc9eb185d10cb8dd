"""`fields`: which keys of a user are shown, as a projection of MongoDB's (contract 3 and 4)."""

from collections.abc import Mapping
from typing import Any

from usermgmt.dialects.rocketchat import parameters


def projected(user: Mapping[str, Any], fields: str | None) -> dict[str, Any]:
    """The user with the keys that `fields` names with 1, or without those that it names with 0; `_id` stays.

    fields: JSON as it was sent; blank is none. Raises Refused for what is no projection.
    """
    wanted = parsed(fields)
    return project(user, wanted)


def parsed(fields: str | None) -> dict[str, bool]:
    """The projection: key to whether it is shown. Raises Refused."""
    if not fields:
        return {}
    given = parameters.read("fields", fields)
    if any(isinstance(value, bool) or value not in (0, 1) for value in given.values()):
        raise parameters.invalid("fields", fields)
    return {key: bool(value) for key, value in given.items()}


def project(user: Mapping[str, Any], wanted: Mapping[str, bool]) -> dict[str, Any]:
    """Top-level keys; a dotted one means the key that it is in."""
    named = {key.partition(".")[0]: shown for key, shown in wanted.items() if key != "_id"}
    if any(named.values()):
        return {key: value for key, value in user.items() if key == "_id" or named.get(key)}
    return {key: value for key, value in user.items() if key not in named}
