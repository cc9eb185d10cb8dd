"""What the OpenAPI document says of users by forms (contract 0, 1 and 5)."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from usermgmt.dialects.forms.schema.document import USERS, WRONG_PARAMETERS, Schema
from usermgmt.dialects.forms.schema.forms import CREATE_USER, UPDATE_USER, asking
from usermgmt.errors import BASE, Fault
from usermgmt.http.schema import ID, identifier, invalid

_EXAMPLE = {"first_name": "Example", "email": "example1@example.com", "password": "somepassword"}
_MADE: Schema = {
    "type": "object",
    "properties": {"id": {"type": "integer", **ID}, "errors": {"const": {}}},
    "required": ["id", "errors"],
    "additionalProperties": False,
}

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_PROPERTIES: Schema = {"type": "object"}


def _records(**shown: Schema) -> Schema:
    record: Schema = {
        "type": "object",
        "properties": {"id": {"type": "integer", **ID}, **shown, "properties": _PROPERTIES},
        "required": ["id"],
        "additionalProperties": False,
    }
    return record


_USER: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", **ID},
        **dict.fromkeys(("email", "external_id", "first_name", "last_name", "middle_name", "name"), _TEXT),
        **dict.fromkeys(("featured", "public_profile"), _FLAG),
        "properties": _PROPERTIES,
        "profiles": {
            "type": "object",
            "description": "By type.",
            "additionalProperties": _records(),
        },
        "relationship_users": {
            "type": "object",
            "description": "By type.",
            "additionalProperties": {"type": "array", "items": _records(user_id={"type": "integer", **ID})},
        },
        "transactables": {
            "type": "object",
            "description": "By type.",
            "additionalProperties": {
                "type": "array",
                "items": _records(
                    name=_TEXT,
                    description=_TEXT,
                    currency={"type": "string", "pattern": "^[A-Z]{3}$"},
                    enabled={"type": "boolean"},
                ),
            },
        },
    },
    "required": ["id"],
    "additionalProperties": False,
}
_SHOWN = {"id": 1, "email": "example1@example.com", "first_name": "Example"}

INVALID_USER = invalid(
    "InvalidUser",
    "A value breaks a rule, of the configuration or of the directory.",
    blank=[Fault("given_name", "blank")],
    short=[Fault("password", "too_short", {"minimum": 6})],
    taken=[Fault("email", "taken")],
    nested=[Fault("profiles.default.properties.user_attr", "blank")],
)
LAST = invalid("LastAdministrator", "No active administrator would be left.", last=[Fault(BASE, "last_administrator")])


def _sends(name: str, form: dict[str, Any]) -> dict[str, Any]:
    return {
        "request": {"application/json": asking(name)},
        "examples": [OpenApiExample("Sent", {"form_configuration_name": name, "form": form}, request_only=True)],
    }


CALLS = {
    "create": [
        extend_schema(
            operation_id="createUser",
            summary="Create a user",
            description="Of the client of the token, or of the default one; with profiles, relationships and"
            " transactables where they are declared, all or nothing. For administrators.",
            tags=[USERS],
            responses={
                201: OpenApiResponse(_MADE, "The new user.", [OpenApiExample("Made", {"id": 1, "errors": {}})]),
                406: WRONG_PARAMETERS,
                422: INVALID_USER,
            },
            **_sends(CREATE_USER, _EXAMPLE),
        )
    ],
    "retrieve": [
        extend_schema(
            operation_id="getUser",
            summary="Get a user",
            description="With every stored field that some configuration of users declares. For administrators, and"
            " whoever it is.",
            tags=[USERS],
            parameters=[identifier("user")],
            responses={200: OpenApiResponse(_USER, "The user.", [OpenApiExample("A user", _SHOWN)])},
        )
    ],
    "update": [
        extend_schema(
            operation_id="updateUser",
            summary="Update a user",
            description="Changes what is sent and declared. Where the configuration's `resource_owner` is `self`, only"
            " whoever calls can be changed; anybody else is not found. A form is judged by what is stored, and again"
            " where somebody wrote meanwhile; where dozens write to one user at the same moment the last may get 503:"
            " nothing of theirs is written.",
            tags=[USERS],
            parameters=[identifier("user")],
            responses={204: OpenApiResponse(None, "Changed."), 406: WRONG_PARAMETERS, 422: INVALID_USER},
            **_sends(UPDATE_USER, {"first_name": "Mike"}),
        )
    ],
    "destroy": [
        extend_schema(
            operation_id="deleteUser",
            summary="Delete a user",
            description="For good, from every contract. For administrators.",
            tags=[USERS],
            parameters=[identifier("user")],
            responses={204: OpenApiResponse(None, "Deleted."), 422: LAST},
        )
    ],
}
"""For `documented`: each call of `UserViewSet`."""
