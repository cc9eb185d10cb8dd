"""What the OpenAPI document says of the calls that read users."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from usermgmt.dialects.rocketchat import parameters, projection, serializers
from usermgmt.dialects.rocketchat.errors import failed
from usermgmt.dialects.rocketchat.schema.document import USERS
from usermgmt.dialects.rocketchat.schema.refused import told_by
from usermgmt.dialects.rocketchat.schema.samples import USER
from usermgmt.dialects.rocketchat.schema.shapes import FOUND_USER, Schema, success
from usermgmt.dialects.rocketchat.schema.shapes import USER as USER_SHAPE
from usermgmt.http.schema import Refusal, not_found, query

_PROJECTION = (
    'Which keys of a user are shown, as JSON: `{"name": 1}` gives those that are named, `{"bio": 0}` all but those.'
    " `_id` is always there; a dotted key means the one that it is in."
)
_PROJECTED: Schema = {"type": "string", "contentMediaType": "application/json"}
FIELDS = query("fields", _PROJECTED, _PROJECTION)

INVALID_FIELDS = Refusal(
    "InvalidFields", "`fields` is no projection.", {"fields": told_by(partial(projection.parsed, "username"))}
)
"""The refusal of what `FIELDS` is not."""
NO_SELECTOR = Refusal(
    "NoSelector",
    "There is not exactly one name of a user, or it is blank; or a parameter is none of these.",
    {
        "no_name": told_by(partial(serializers.read, {}, serializers.USERS_INFO)),
        "blank": failed("Invalid search query.").problem,
    },
)
INVALID_LIST = Refusal(
    "InvalidList",
    "`sort` or `query` is not JSON, or none that is understood.",
    {
        "sort": parameters.invalid("sort", "username").problem,
        "query": parameters.invalid("query", '{"$where": "1"}').problem,
    },
)

_SELECTORS: Mapping[str, str] = {
    "userId": "The `_id` of the user.",
    "username": "The user name, without regard to case.",
    "email": "The e-mail address, without regard to case.",
    "importId": "Nobody has one: users who are imported are found by their other names.",
    "freeSwitchExtension": "Nobody has one.",
}
_COUNTED: Schema = {"type": "integer", "minimum": 0}


def _example(name: str, **payload: Any) -> list[OpenApiExample]:
    return [OpenApiExample(name, {**payload, "success": True})]


READING_CALLS = {
    "retrieve": [
        extend_schema(
            operation_id="get-api-v1-users.info",
            summary="Get User's Info",
            description="One user, by exactly one of the names that a user has; other parameters than these are"
            " refused. Whoever may not see all of the user gets no addresses, roles, times and settings. A user whom"
            " the caller may not see at all is not found.",
            tags=[USERS],
            parameters=[
                *(query(name, {"type": "string"}, told) for name, told in _SELECTORS.items()),
                query("includeUserRooms", {"type": "string"}, "Without effect: there are no rooms."),
                FIELDS,
            ],
            responses={
                200: OpenApiResponse(
                    success(user=FOUND_USER), "The user.", _example("A user", user={**USER, "canViewAllInfo": True})
                ),
                400: [
                    not_found("user"),
                    NO_SELECTOR,
                    INVALID_FIELDS,
                ],
            },
        )
    ],
    "list": [
        extend_schema(
            operation_id="get-api-v1-users.list",
            summary="Get Users List",
            description="The users whom the caller may see, each as far as the caller may. JSON in a parameter may be"
            " percent-encoded or not; parameters that are not told here are ignored.",
            tags=[USERS],
            parameters=[
                query(
                    "offset",
                    {**_COUNTED, "default": 0},
                    "How many users to leave out. What is no such number is ignored.",
                ),
                query(
                    "count",
                    {**_COUNTED, "default": parameters.DEFAULT_COUNT},
                    f"How many users to give, {parameters.MAX_COUNT} at most; of a greater number, that many. 0 is as"
                    " if absent, as is what is no such number.",
                ),
                query(
                    "sort",
                    _PROJECTED,
                    'In which order, as JSON: keys and 1 or -1; `{"username": 1}` if absent. Keys: `_id`, `username`,'
                    " `name`, `active`, `status`; and for whoever may see all of every user `createdAt`, `_updatedAt`,"
                    " `lastLogin`, `emails.address`. Names are sorted without regard to case.",
                ),
                query(
                    "query",
                    _PROJECTED,
                    'Which users, as JSON in a part of MongoDB\'s language: a value, `{"$ne": ...}` or `{"$regex": ...,'
                    ' "$options": "i"}` of `username`, `name`, `active`, `status`, and for whoever may see all of every'
                    " user `emails.address`, `roles`; `$or` and `$and` of such queries. A `$regex` is plain text,"
                    " anchored by `^` and `$` or not.",
                ),
                FIELDS,
            ],
            responses={
                200: OpenApiResponse(
                    success(
                        users={"type": "array", "items": USER_SHAPE, "maxItems": parameters.MAX_COUNT},
                        count={**_COUNTED, "description": "How many users these are."},
                        offset={**_COUNTED, "description": "As it was sent."},
                        total={**_COUNTED, "description": "How many users there are, on all pages."},
                    ),
                    "A page of the list.",
                    _example("A page", users=[USER], count=1, offset=0, total=1),
                ),
                400: [
                    INVALID_FIELDS,
                    INVALID_LIST,
                ],
            },
        )
    ],
}
"""For `documented`: each call of `ReadingViewSet`."""
