"""What the OpenAPI document says of the native contract, and of its calls on users and tokens."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework import serializers

from accounts.api.filters import NO_CLIENT, TEXT_MAX_LENGTH
from accounts.api.mapping import INCLUDABLE
from accounts.api.serializers import (
    CredentialsReader,
    NewUserReader,
    RefreshReader,
    SignedInSerializer,
    TokenReader,
    TokensSerializer,
    UserChangesReader,
    UserSerializer,
)
from clients.api.schema import ACME
from clients.api.schema import TAG as CLIENTS
from usermgmt.errors import BASE, Fault, InvalidCredentials, InvalidToken
from usermgmt.http.contracts import Document
from usermgmt.http.schema import (
    FORBIDDEN,
    ID,
    IF_MATCH,
    SAMPLE_META,
    MetaField,
    identifier,
    invalid,
    invalid_list,
    query,
    refusal,
    tells,
)

TOKENS, USERS = "Tokens", "Users"

DOCUMENT = Document(
    title=f"{settings.SITE_NAME}: the native contract",
    description="""One directory of users. A user belongs to a client, or to none and is an administrator.

`POST /auth/token` gives an access token for an e-mail and a password; every other call carries it, as
`Authorization: Bearer {access}`.

What goes wrong is told as `{"error": "..."}`, or, where the values sent are at fault, as
`{"errors": {field: ["...", ...]}}` with every fault at once. A method that a path does not have answers 405, a path
that there is not 404, both in JSON. Keys in a body that are not described here are ignored.""",
    tags={
        TOKENS: "Sign in, stay signed in, sign out.",
        USERS: "The users of the directory: administrators see all, other users themselves.",
        CLIENTS: "Whom users belong to: customers, tenants.",
    },
    error={
        "description": "What went wrong, as a sentence.",
        "type": "object",
        "properties": {"error": {"type": "string", "minLength": 1}},
        "required": ["error"],
        "additionalProperties": False,
    },
    errors={
        "description": "What is wrong with each value sent, in words that do not repeat the field's name.",
        "type": "object",
        "properties": {
            "errors": {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                "minProperties": 1,
            }
        },
        "required": ["errors"],
        "additionalProperties": False,
    },
)


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How calls are authenticated, for the document."""

    target_class = "accounts.authentication.AccessTokenAuthentication"
    name = "accessToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access` of `POST /auth/token`.",
        }


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
_CREDENTIALS = {"email": NEW_JOHN_DOE["email"], "password": NEW_JOHN_DOE["password"]}
_TOKENS = {"access": "eyJhbGciOiJIUzI1NiJ9...", "refresh": "eyJhbGciOiJIUzI1NiJ9..."}


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
BLANK_CREDENTIALS = invalid(
    "BlankCredentials", "Something is missing.", blank=[Fault("email", "blank"), Fault("password", "blank")]
)
BLANK_TOKEN = invalid("BlankToken", "The token is missing.", blank=[Fault("refresh", "blank")])
INVALID_CREDENTIALS = refusal(
    "InvalidCredentials",
    "An unknown e-mail, a wrong password, an inactive user: the answer does not tell which.",
    InvalidCredentials(),
)
INVALID_TOKEN = refusal("InvalidToken", "The token is not one of ours, or no longer alive.", InvalidToken())


# Parameters

INCLUDE = query(
    "include",
    {"type": "array", "items": {"enum": list(INCLUDABLE)}},
    "What each user shows beside the four keys that are always there.",
    style="form",
    explode=False,
)
_MOMENT = {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]}
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
    query("created_after", _MOMENT, "Users made after this moment (RFC 3339), or after this date began in UTC."),
    query("created_before", _MOMENT, "Users made before this moment, or before this date began in UTC."),
]
"""The parameters of `UserFilterSet`."""


# Answers


@extend_schema_serializer(component_name="UserPage", many=False)
class UserPageSerializer(serializers.Serializer[None]):
    """A page of the list of users."""

    users = UserSerializer(many=True)
    meta = MetaField()


_KEYS = {
    "description": "A JSON Web Key Set (RFC 7517 5).",
    "type": "object",
    "properties": {
        "keys": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("kty", "kid", "alg", "use")},
                "required": ["kty", "kid", "alg", "use"],
                "additionalProperties": {"type": "string"},
            },
        }
    },
    "required": ["keys"],
    "additionalProperties": False,
}
_NOTHING = {"type": "object", "additionalProperties": False}


def _user(description: str) -> OpenApiResponse:
    return OpenApiResponse(UserSerializer, description, [OpenApiExample("John Doe", JOHN_DOE)])


def _sample(value: dict[str, Any], name: str = "John Doe") -> list[OpenApiExample]:
    return [OpenApiExample(name, value, request_only=True)]


TOKEN_CALLS = {
    "obtain": [
        extend_schema(
            operation_id="obtainToken",
            summary="Sign in",
            description="An access token and a refresh token for an e-mail and a password.",
            tags=[TOKENS],
            parameters=[INCLUDE],
            request=CredentialsReader,
            responses={
                200: OpenApiResponse(
                    SignedInSerializer,
                    "The tokens, and whose they are.",
                    [OpenApiExample("A pair", {**_TOKENS, "user": JOHN_DOE})],
                ),
                401: INVALID_CREDENTIALS,
                422: BLANK_CREDENTIALS,
            },
            examples=_sample(_CREDENTIALS),
        )
    ],
    "refresh": [
        extend_schema(
            operation_id="refreshToken",
            summary="Stay signed in",
            description="Exchanges a refresh token for the next pair. It is dead from then on; sent again, it ends the"
            " whole sign-in, as somebody must have copied it.",
            tags=[TOKENS],
            request=RefreshReader,
            responses={
                200: OpenApiResponse(TokensSerializer, "The next pair.", [OpenApiExample("A pair", _TOKENS)]),
                401: INVALID_TOKEN,
                422: BLANK_TOKEN,
            },
            examples=_sample({"refresh": _TOKENS["refresh"]}, "A token"),
        )
    ],
    "revoke": [
        extend_schema(
            operation_id="revokeToken",
            summary="Sign out",
            description="Ends the sign-in of a refresh token, its access tokens included.",
            tags=[TOKENS],
            request=RefreshReader,
            responses={
                204: OpenApiResponse(None, "That sign-in is over."),
                401: INVALID_TOKEN,
                422: BLANK_TOKEN,
            },
            examples=_sample({"refresh": _TOKENS["refresh"]}, "A token"),
        )
    ],
    "verify": [
        extend_schema(
            operation_id="verifyToken",
            summary="Verify a token",
            description="Whether a token, of either class, would be accepted now.",
            tags=[TOKENS],
            request=TokenReader,
            responses={
                200: OpenApiResponse(_NOTHING, "It would.", [OpenApiExample("Alive", {})]),
                401: INVALID_TOKEN,
                422: BLANK_TOKEN,
            },
            examples=_sample({"token": _TOKENS["access"]}, "A token"),
        )
    ],
}
"""For `documented`: each call of `TokenViewSet`."""

KEY_CALLS = {
    "retrieve": [
        extend_schema(
            operation_id="getKeys",
            summary="Get the public keys",
            description="They verify access tokens without asking here. None where tokens are signed with a shared"
            " secret.",
            tags=[TOKENS],
            responses={200: OpenApiResponse(_KEYS, "The keys.", [OpenApiExample("None", {"keys": []})])},
        )
    ],
}
"""For `documented`: the call of `KeyViewSet`."""

_ID = identifier("user")
_UPDATE = (
    "PUT and PATCH do the same: what is not sent stays as it is. A new password needs its confirmation. Only"
    " administrators change `client_id` and `active`; others may send back what is there."
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
            description="For administrators.",
            tags=[USERS],
            parameters=[INCLUDE, tells("ETag", 201), tells("Location", 201)],
            request=NewUserReader,
            responses={201: _user("The user that was made."), 422: INVALID_USER},
            examples=_sample(NEW_JOHN_DOE),
        )
    ],
    "retrieve": [
        extend_schema(
            operation_id="getUser",
            summary="Get a user",
            description="Administrators get any user, others themselves.",
            tags=[USERS],
            parameters=[_ID, INCLUDE, tells("ETag", 200)],
            responses={200: _user("The user."), 422: INVALID_INCLUDE},
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
            responses={200: _user("The user as it is now."), 422: INVALID_USER},
            examples=_sample(_CHANGES, "A new name"),
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
            responses={200: _user("Oneself."), 422: INVALID_INCLUDE},
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
            responses={200: _user("Oneself, as it is now."), 403: FORBIDDEN, 422: INVALID_USER},
            examples=_sample(_CHANGES, "A new name"),
        )
        for method, operation in (("PUT", "replaceCurrentUser"), ("PATCH", "updateCurrentUser"))
    ],
}
"""For `documented`: each call of `UserViewSet`."""
