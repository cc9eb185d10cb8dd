"""What the OpenAPI document says of the five calls (contract 1 to 3)."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from usermgmt.dialects.resource import parameters
from usermgmt.dialects.resource.errors import NO_PROPERTIES
from usermgmt.dialects.resource.schema.document import SENT, USERS, Schema
from usermgmt.errors import BASE, Fault
from usermgmt.http.contracts import Problem
from usermgmt.http.schema import Refusal, identifier, invalid, query

_JOHN = {"firstName": "John", "lastName": "Doe", "contactEmail": "john.doe@example.com"}
_SHOWN = {"userId": 1, **_JOHN}
_USER: Schema = {"$ref": "#/components/schemas/User"}
_LIST: Schema = {
    "type": "object",
    "properties": {"users": {"type": "array", "items": _USER, "maxItems": parameters.MAX_PER_PAGE}},
    "required": ["users"],
    "additionalProperties": False,
}
_BODY: Schema = {"type": "object", "properties": dict(SENT), "required": list(SENT)}
_CHANGES: Schema = {
    "type": "object",
    "properties": dict(SENT),
    "minProperties": 1,
    "anyOf": [{"required": [name]} for name in SENT],
}
_ID = identifier("user")
_PATH = {"location": "path"}

INVALID_ID = invalid("InvalidUserID", "`userId` is no integer.", user_id=[Fault("userId", "not_number", _PATH)])
INVALID_LIST = invalid(
    "InvalidParameters",
    "A parameter has no sound value.",
    page=[Fault("_page", "too_small", {"location": "query", "minimum": 0})],
    per_page=[Fault("_perPage", "too_large", {"location": "query", "minimum": 1, "maximum": parameters.MAX_PER_PAGE})],
    sort=[Fault("_sort", "unknown_choice", {"location": "query", "value": "password"})],
)
INVALID_USER = invalid(
    "InvalidUser",
    "A value that was sent breaks a rule.",
    too_long=[Fault("given_name", "too_long", {"maximum": 100})],
    wrong_type=[Fault("family_name", "wrong_type")],
    email=[Fault("email", "invalid")],
    taken=[Fault("email", "taken")],
)
MISSING = invalid("MissingProperties", "A property is missing.", missing=[Fault("family_name", "missing")])
NOTHING = Refusal(
    "NothingSent",
    "There is none of the three properties, or whoever was erased is to be changed.",
    {
        "nothing": Problem(400, "nothing_sent", NO_PROPERTIES),
        "erased": Problem(422, "invalid", faults=(Fault(BASE, "erased"),)),
    },
)
LAST = invalid("LastAdministrator", "No active administrator would be left.", last=[Fault(BASE, "last_administrator")])


def _user(description: str) -> OpenApiResponse:
    return OpenApiResponse(_USER, description, [OpenApiExample("A user", _SHOWN)])


def _sends(schema: Schema, value: dict[str, Any]) -> dict[str, Any]:
    return {
        "request": {"application/json": schema},
        "examples": [OpenApiExample("Sent", value, request_only=True)],
    }


CALLS = {
    "list": [
        extend_schema(
            operation_id="listUsers",
            summary="List users",
            description="A page of users; one past the last is empty. Other parameters are ignored.",
            tags=[USERS],
            parameters=[
                query("_page", {"type": "integer", "minimum": 0, "default": 0}, "Which page, the first being 0."),
                query(
                    "_perPage",
                    {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": parameters.MAX_PER_PAGE,
                        "default": parameters.PER_PAGE,
                    },
                    "How many users a page has.",
                ),
                query(
                    "_sort",
                    {"type": "string", "enum": [sign + name for name in parameters.ORDERS for sign in ("", "-")]},
                    "By which property, descending with a `-`; byte by byte: capitals stand before small letters.",
                ),
            ],
            responses={
                200: OpenApiResponse(_LIST, "The page.", [OpenApiExample("A page", {"users": [_SHOWN]})]),
                400: INVALID_LIST,
            },
        )
    ],
    "create": [
        extend_schema(
            operation_id="createUser",
            summary="Create a user",
            description="The user belongs to the default client, or to that of the token, and has no password.",
            tags=[USERS],
            responses={201: _user("The new user."), 400: [MISSING, INVALID_USER]},
            **_sends(_BODY, _JOHN),
        )
    ],
    "retrieve": [
        extend_schema(
            operation_id="getUser",
            summary="Get a user",
            tags=[USERS],
            parameters=[_ID],
            responses={200: _user("The user."), 400: INVALID_ID},
        )
    ],
    "update": [
        extend_schema(
            operation_id="updateUser",
            summary="Update a user",
            description="Changes what is sent. Another part of the name makes the name anew; the other one stays.",
            tags=[USERS],
            parameters=[_ID],
            responses={200: _user("The whole user."), 400: [INVALID_ID, NOTHING, INVALID_USER]},
            **_sends(_CHANGES, {"contactEmail": "new.email@example.com"}),
        )
    ],
    "destroy": [
        extend_schema(
            operation_id="deleteUser",
            summary="Delete a user",
            description="For good, from every contract.",
            tags=[USERS],
            parameters=[_ID],
            responses={204: OpenApiResponse(None, "Deleted."), 400: [INVALID_ID, LAST]},
        )
    ],
}
"""For `documented`: each call of `UserViewSet`."""
