"""The shapes of the contract's answers, in JSON Schema (contract 1 to 4)."""

from collections.abc import Collection, Mapping
from typing import Any

from accounts import profile
from usermgmt.dialects.rocketchat.mapping import STATUS

Schema = dict[str, Any]


def closed(properties: Mapping[str, Schema], optional: Collection[str] = ()) -> Schema:
    """An object of these properties and of no other."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def success(**properties: Schema) -> Schema:
    """The envelope of a success: these beside it."""
    return closed({**properties, "success": {"const": True}})


def referring(name: str) -> Schema:
    """A reference to one of `SHAPES`."""
    return {"$ref": f"#/components/schemas/{name}"}


_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "format": "date-time", "pattern": r"\.[0-9]{3}Z$"}
_EMAIL: Schema = {"type": "string", "minLength": 3}

_SHOWN: Mapping[str, Schema] = {
    "_id": {"type": "string", "minLength": 1, "description": "Of the user; opaque."},
    "username": _TEXT,
    "name": _TEXT,
    "type": {"const": "user"},
    "status": {"const": STATUS, "description": "The directory knows no presence."},
    "active": {"type": "boolean", "description": "Whether the user may log in."},
}
"""What everybody sees of a user whom they see at all."""

_IF_THERE: Mapping[str, Schema] = {
    "nickname": {"type": "string", "minLength": 1, "maxLength": profile.NICKNAME_MAX_LENGTH},
    "bio": {"type": "string", "minLength": 1, "maxLength": profile.BIO_MAX_LENGTH},
    "statusText": {"type": "string", "minLength": 1, "maxLength": profile.STATUS_TEXT_MAX_LENGTH},
    "customFields": {
        "type": "object",
        "minProperties": 1,
        "description": "For whoever may not see all of the user, the public ones alone.",
    },
}
"""Left out where there is none."""

_IN_FULL: Mapping[str, Schema] = {
    "emails": {
        "type": "array",
        "items": closed({"address": _EMAIL, "verified": {"type": "boolean"}}),
        "minItems": 1,
        "maxItems": 1,
    },
    "roles": {"type": "array", "items": _TEXT, "minItems": 1},
    "createdAt": _TIME,
    "_updatedAt": _TIME,
    "settings": {"type": "object", "maxProperties": 0},
}
"""For whoever may see all of the user."""

_IN_FULL_IF_THERE: Mapping[str, Schema] = {
    "requirePasswordChange": {"const": True, "description": "Left out where it is not so."},
    "lastLogin": {**_TIME, "description": "Left out where there was none."},
}

_USER = {**_SHOWN, **_IF_THERE, **_IN_FULL, **_IN_FULL_IF_THERE}
_ALL_OR_NONE = {name: [*_IN_FULL] for name in (*_IN_FULL, *_IN_FULL_IF_THERE)}

_FOUND = {
    **_USER,
    "services": {
        **closed({"password": {"const": True}}, optional=["password"]),
        "description": "Of the caller alone: whether there is a password.",
    },
    "canViewAllInfo": {"type": "boolean", "description": "Whether the caller may see all of the user."},
}
_OWN = {
    **_USER,
    "statusConnection": {"const": STATUS},
    "utcOffset": {"const": 0},
    "settings": closed({name: {"type": "object", "maxProperties": 0} for name in ("profile", "preferences")}),
    "avatarUrl": {"type": "string", "pattern": "^data:image/svg"},
    "services": closed({"password": closed({"exists": {"type": "boolean"}})}),
    "email": {**_EMAIL, "description": "The address, where it is verified."},
}
_OWN_OPTIONAL = {*_IF_THERE, *_IN_FULL_IF_THERE, "email"}


def own_user(**more: Schema) -> Schema:
    """Whoever is logged in, as they see themselves."""
    return closed({**_OWN, **more}, optional=_OWN_OPTIONAL)


def _projected(properties: Mapping[str, Schema]) -> Schema:
    return {
        "description": "Those keys of a user that `fields` asks for, and `_id`.",
        **closed(properties, optional=properties.keys() - {"_id"}),
    }


SHAPES: Mapping[str, Schema] = {
    "User": {
        "description": "A user. To whoever may not see all of them, without addresses, roles, times and settings.",
        **closed(_USER, optional=_USER.keys() - _SHOWN.keys()),
        "dependentRequired": _ALL_OR_NONE,
    },
    "ProjectedUser": _projected(_USER),
    "FoundUser": {
        "description": "A user, and what the caller may see of them.",
        **closed(_FOUND, optional=_FOUND.keys() - _SHOWN.keys() - {"canViewAllInfo"}),
        "dependentRequired": _ALL_OR_NONE,
    },
    "ProjectedFoundUser": _projected(_FOUND),
    "OwnUser": {"description": "The user as they see themselves.", **own_user()},
}
"""The components that answers refer to, by name."""

USER: Schema = {"anyOf": [referring("User"), referring("ProjectedUser")]}
"""A user, as the call's `fields` has them."""

FOUND_USER: Schema = {"anyOf": [referring("FoundUser"), referring("ProjectedFoundUser")]}
