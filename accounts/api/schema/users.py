"""What the OpenAPI document says of the calls on users."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers

from accounts.api.filters import NO_CLIENT, TEXT_MAX_LENGTH
from accounts.api.mapping import INCLUDABLE
from accounts.api.schema.document import USERS
from accounts.api.serializers import InvitedUserReader, NewUserReader, UserChangesReader, UserSerializer
from clients.api.schema import ACME
from usermgmt.errors import BASE, Fault
from usermgmt.http.moments import MOMENT_TEXT
from usermgmt.http.schema import (
    ID,
    IF_MATCH,
    SAMPLE_META,
    MetaField,
    identifier,
    invalid,
    invalid_list,
    query,
    tells,
)

# Samples: John Doe, as in the contract.

NEW_JOHN_DOE = {
    "name": "John Doe",
    "email": "john.doe@example.com",
    "password": "securepassword",
    "password_confirmation": "securepassword",
    "client_id": ACME["id"],
}
JOHN_DOE = {"id": 123, "name": NEW_JOHN_DOE["name"], "email": NEW_JOHN_DOE["email"], "client": ACME}
_CHANGES = {"name": "John Q. Doe"}


# Refusals that only these calls have.

INVALID_USER = invalid(
    "InvalidUser",
    "Values that can't be taken, every fault at once.",
    fields=[
        Fault("email", "taken"),
        Fault("password", "too_short", {"minimum": settings.PASSWORD_MIN_LENGTH}),
        Fault("password_confirmation", "confirmation", {"attribute": "Password"}),
    ],
    client=[Fault("client", "must_exist")],
    invite=[Fault("invite", "invited_with_password")],
    last_administrator=[Fault(BASE, "last_administrator")],
)
LAST_ADMINISTRATOR = invalid(
    "LastAdministrator",
    "One active administrator must remain.",
    last_administrator=[Fault(BASE, "last_administrator")],
)
INVALID_INCLUDE = invalid(
    "InvalidInclude",
    "`include` names what there is not.",
    include=[Fault("include", "unknown_choice", {"choices": ", ".join(INCLUDABLE)})],
)


# Bodies

NEW_USER = PolymorphicProxySerializer(
    component_name="UserToMake",
    serializers=[NewUserReader, InvitedUserReader],
    resource_type_field_name=None,
)


# Parameters

INCLUDE = query(
    "include",
    {"type": "array", "items": {"enum": list(INCLUDABLE)}},
    "What each user shows beside the four keys that are always there.",
    style="form",
    explode=False,
)
FILTERS = [
    query(
        "search",
        {"type": "string", "maxLength": TEXT_MAX_LENGTH},
        "Users with this text in any part of name, e-mail or user name, in any case.",
    ),
    query(
        "email",
        {"type": "string", "maxLength": TEXT_MAX_LENGTH, "pattern": r"\S"},
        "The user of this e-mail address, in any case.",
    ),
    query(
        "client_id",
        {"type": "array", "items": {"anyOf": [{"type": "integer", **ID}, {"const": NO_CLIENT}]}},
        f"Users of these clients; `{NO_CLIENT}` for administrators. To be repeated for more than one.",
        style="form",
        explode=True,
    ),
    query("active", {"type": "boolean"}, "Users who may sign in, or who may not."),
    query("created_after", MOMENT_TEXT, "Users made after this moment (RFC 3339), or after this date began in UTC."),
    query("created_before", MOMENT_TEXT, "Users made before this moment, or before this date began in UTC."),
]
"""The parameters of `UserFilterSet`."""


# Answers


@extend_schema_serializer(component_name="UserPage", many=False)
class UserPageSerializer(serializers.Serializer[None]):
    """A page of the list of users."""

    users = UserSerializer(many=True)
    meta = MetaField()


def shown(description: str) -> OpenApiResponse:
    """The answer that is a user."""
    return OpenApiResponse(UserSerializer, description, [OpenApiExample("John Doe", JOHN_DOE)])


def sample(value: dict[str, Any], name: str = "John Doe") -> list[OpenApiExample]:
    """A body that is sent."""
    return [OpenApiExample(name, value, request_only=True)]


_ID = identifier("user")
_UPDATE = (
    "PUT and PATCH do the same: what is not sent stays as it is. A new password needs its confirmation. Only"
    " administrators change `client_id`, `active` and `must_change_password`; others may send back what is there."
)

USER_CALLS = {
    "list": [
        extend_schema(
            operation_id="listUsers",
            summary="List users",
            description="For administrators. By page, or, with `cursor`, as a walk at constant cost a page.",
            tags=[USERS],
            parameters=[*FILTERS, INCLUDE, tells("Link", 200)],
            responses={
                200: OpenApiResponse(
                    UserPageSerializer,
                    "A page of the list.",
                    [OpenApiExample("A page", {"users": [JOHN_DOE], "meta": SAMPLE_META})],
                ),
                422: invalid_list(),
            },
        )
    ],
    "create": [
        extend_schema(
            operation_id="createUser",
            summary="Create a user",
            description="For administrators. With a password; or without one and with `invite`: then the user is sent a"
            " mail with a link to set the first one.",
            tags=[USERS],
            parameters=[INCLUDE, tells("ETag", 201), tells("Location", 201)],
            request=NEW_USER,
            responses={201: shown("The user that was made."), 422: INVALID_USER},
            examples=sample(NEW_JOHN_DOE),
        )
    ],
    "retrieve": [
        extend_schema(
            operation_id="getUser",
            summary="Get a user",
            description="Administrators get any user, others themselves.",
            tags=[USERS],
            parameters=[_ID, INCLUDE, tells("ETag", 200)],
            responses={200: shown("The user."), 422: INVALID_INCLUDE},
        )
    ],
    "update": [
        extend_schema(
            methods=[method],
            operation_id=operation,
            summary="Update a user",
            description=f"Administrators update any user, others themselves. {_UPDATE}",
            tags=[USERS],
            parameters=[_ID, INCLUDE, IF_MATCH, tells("ETag", 200)],
            request=UserChangesReader,
            responses={200: shown("The user as it is now."), 422: INVALID_USER},
            examples=sample(_CHANGES, "A new name"),
        )
        for method, operation in (("PUT", "replaceUser"), ("PATCH", "updateUser"))
    ],
    "destroy": [
        extend_schema(
            operation_id="deleteUser",
            summary="Delete a user",
            description="For administrators.",
            tags=[USERS],
            parameters=[_ID, IF_MATCH],
            responses={204: OpenApiResponse(None, "The user is gone."), 422: LAST_ADMINISTRATOR},
        )
    ],
    "sign_out": [
        extend_schema(
            operation_id="signOutUser",
            summary="Sign a user out everywhere",
            description="Every token of the user is dead. Administrators sign out any user, others themselves.",
            tags=[USERS],
            parameters=[_ID],
            request=None,
            responses={204: OpenApiResponse(None, "Every sign-in of the user is over.")},
        )
    ],
    "current": [
        extend_schema(
            operation_id="getCurrentUser",
            summary="Get oneself",
            description="The user whose token it is.",
            tags=[USERS],
            parameters=[INCLUDE, tells("ETag", 200)],
            responses={200: shown("Oneself."), 422: INVALID_INCLUDE},
        )
    ],
    "update_current": [
        extend_schema(
            methods=[method],
            operation_id=operation,
            summary="Update oneself",
            description=_UPDATE,
            tags=[USERS],
            parameters=[INCLUDE, IF_MATCH, tells("ETag", 200)],
            request=UserChangesReader,
            responses={200: shown("Oneself, as it is now."), 422: INVALID_USER},
            examples=sample(_CHANGES, "A new name"),
        )
        for method, operation in (("PUT", "replaceCurrentUser"), ("PATCH", "updateCurrentUser"))
    ],
}
"""For `documented`: each call of `UserViewSet`."""
