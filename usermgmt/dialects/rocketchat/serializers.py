"""The bodies of the contract, each described once: what `ajv` checks, and what the OpenAPI document shows."""

from typing import Any

from usermgmt.dialects.rocketchat import ajv
from usermgmt.dialects.rocketchat.errors import invalid_params
from usermgmt.http.parsers import NotAnObject, StrictJSONParser

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
OPTIONAL_TEXT: Schema = {"type": "string", "nullable": True}
OPTIONAL_FLAG: Schema = {"type": "boolean", "nullable": True}
IDENTIFIER: Schema = {"type": "string", "minLength": 1}

_ABOUT_A_USER: dict[str, Schema] = {
    "email": TEXT,
    "name": TEXT,
    "password": TEXT,
    "username": TEXT,
    "active": OPTIONAL_FLAG,
    "bio": OPTIONAL_TEXT,
    "nickname": OPTIONAL_TEXT,
    "statusText": OPTIONAL_TEXT,
    "roles": {"type": "array", "items": TEXT},
    "joinDefaultChannels": OPTIONAL_FLAG,
    "requirePasswordChange": OPTIONAL_FLAG,
    "setRandomPassword": OPTIONAL_FLAG,
    "sendWelcomeEmail": OPTIONAL_FLAG,
    "verified": OPTIONAL_FLAG,
    "customFields": {"type": "object"},
    "fields": OPTIONAL_TEXT,
    "freeSwitchExtension": OPTIONAL_TEXT,
}

USERS_CREATE: Schema = {
    "type": "object",
    "properties": _ABOUT_A_USER,
    "required": ["email", "name", "password", "username"],
    "additionalProperties": False,
}

_CHANGES: dict[str, Schema] = {
    **dict.fromkeys(("email", "name", "password", "username", "bio", "nickname", "statusText"), OPTIONAL_TEXT),
    "active": OPTIONAL_FLAG,
    "roles": {"type": "array", "items": TEXT, "nullable": True},
    **dict.fromkeys(
        ("joinDefaultChannels", "requirePasswordChange", "setRandomPassword", "sendWelcomeEmail", "verified"),
        OPTIONAL_FLAG,
    ),
    "customFields": {"type": "object", "nullable": True},
    "status": OPTIONAL_TEXT,
    "freeSwitchExtension": OPTIONAL_TEXT,
}

USERS_UPDATE: Schema = {
    "type": "object",
    "properties": {
        "userId": IDENTIFIER,
        "data": {"type": "object", "properties": _CHANGES, "additionalProperties": False},
        "confirmRelinquish": {"type": "boolean"},
    },
    "required": ["userId", "data"],
    "additionalProperties": False,
}

USERS_SET_ACTIVE_STATUS: Schema = {
    "type": "object",
    "properties": {"userId": TEXT, "activeStatus": {"type": "boolean"}, "confirmRelinquish": OPTIONAL_FLAG},
    "required": ["userId", "activeStatus"],
    "additionalProperties": False,
}

USERS_DELETE: Schema = {
    "type": "object",
    "properties": {
        "userId": OPTIONAL_TEXT,
        "username": OPTIONAL_TEXT,
        "user": OPTIONAL_TEXT,
        "confirmRelinquish": OPTIONAL_FLAG,
    },
}

USERS_REGISTER: Schema = {
    "type": "object",
    "properties": {
        "username": TEXT,
        "name": OPTIONAL_TEXT,
        "email": TEXT,
        "pass": TEXT,
        "secret": OPTIONAL_TEXT,
        "reason": OPTIONAL_TEXT,
        "customFields": {"type": "object", "nullable": True},
    },
    "required": ["username", "email", "pass"],
    "additionalProperties": False,
}

SELECTORS = ("userId", "username", "importId", "email", "freeSwitchExtension")

USERS_INFO: Schema = {
    "anyOf": [
        {
            "type": "object",
            "properties": {name: TEXT, "includeUserRooms": TEXT, "fields": OPTIONAL_TEXT},
            "required": [name],
            "additionalProperties": False,
        }
        for name in SELECTORS
    ]
}
"""Of the query of the address, and not of a body: exactly one selector."""


def read(body: Any, schema: Schema) -> dict[str, Any]:
    """The body in the types of its schema. Raises Refused in the words of the product's validator."""
    try:
        read: dict[str, Any] = ajv.coerced(body, schema)
    except ajv.Mismatch as mismatch:
        raise invalid_params(str(mismatch)) from mismatch
    return read


class BodyParser(StrictJSONParser):
    """The JSON gate; a body without a byte is an empty object, and of a body that is none Ajv has the word."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        try:
            return super().parse(stream, media_type, parser_context)
        except NotAnObject as error:
            raise invalid_params("must be object") from error
