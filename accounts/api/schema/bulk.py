"""What the OpenAPI document says of the call on many users."""

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from accounts.api.schema.document import DOCUMENT, USERS
from accounts.api.schema.users import INCLUDE, JOHN_DOE, NEW_JOHN_DOE, sample
from accounts.api.serializers import MAX_USERS, NewUsersReader
from usermgmt.errors import Fault
from usermgmt.http.schema import invalid, query

INVALID_USERS = invalid(
    "InvalidUsers",
    "The list can't be taken; or, with `atomic`, users in it can't: then nothing was made, and each field is told"
    " with its place.",
    users=[Fault("users", "too_many", {"maximum": MAX_USERS})],
    atomic=[Fault("users[3].email", "taken"), Fault("users[7]", "invalid")],
)
ATOMIC = query(
    "atomic",
    {"type": "boolean", "default": False},
    "`true`: make all users or none; if any has a fault, the answer is 422.",
)
_INDEX = {"type": "integer", "minimum": 0, "description": "The place in the list that was sent, from 0."}
_RESULTS = {
    "description": "What became of each, in the order sent.",
    "type": "object",
    "properties": {
        "results": {
            "type": "array",
            "items": {
                "oneOf": [
                    {
                        "type": "object",
                        "properties": {
                            "index": _INDEX,
                            "status": {"const": 201},
                            "user": {"$ref": "#/components/schemas/User"},
                        },
                        "required": ["index", "status", "user"],
                        "additionalProperties": False,
                    },
                    {
                        "type": "object",
                        "properties": {
                            "index": _INDEX,
                            "status": {"const": 422},
                            **DOCUMENT.errors["Errors"]["properties"],
                        },
                        "required": ["index", "status", "errors"],
                        "additionalProperties": False,
                    },
                ]
            },
        }
    },
    "required": ["results"],
    "additionalProperties": False,
}
_SAMPLE = {
    "results": [
        {"index": 0, "status": 201, "user": JOHN_DOE},
        {"index": 1, "status": 422, "errors": {"email": ["has already been taken"]}},
    ]
}

BULK_CALLS = {
    "create": [
        extend_schema(
            operation_id="createUsers",
            summary="Create many users",
            description=f"For administrators. Up to {MAX_USERS:,} users, each as in `POST /users`, and with the answer"
            " that it would have got there, one after the other: those without a fault are made, unless `atomic` is"
            " asked for. Passwords take their time, ten seconds for a thousand; a server that is at it for others"
            " answers 429.",
            tags=[USERS],
            parameters=[INCLUDE, ATOMIC],
            request=NewUsersReader,
            responses={
                200: OpenApiResponse(_RESULTS, "What became of each.", [OpenApiExample("One of two", _SAMPLE)]),
                422: INVALID_USERS,
            },
            examples=sample({"users": [NEW_JOHN_DOE, NEW_JOHN_DOE]}, "Two users"),
        )
    ],
}
"""For `documented`: the call of `BulkViewSet`."""
