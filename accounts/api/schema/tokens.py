"""What the OpenAPI document says of the calls on tokens and keys."""

from dataclasses import replace

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from accounts.api.schema.document import TOKENS
from accounts.api.schema.users import INCLUDE, JOHN_DOE, NEW_JOHN_DOE, sample
from accounts.api.serializers import CredentialsReader, RefreshReader, SignedInSerializer, TokenReader, TokensSerializer
from usermgmt.errors import Fault, InvalidCredentials, InvalidToken
from usermgmt.http.schema import QUOTA, RATE_HEADERS, invalid, refusal, tells

_CREDENTIALS = {"email": NEW_JOHN_DOE["email"], "password": NEW_JOHN_DOE["password"]}
_TOKENS = {"access": "eyJhbGciOiJIUzI1NiJ9...", "refresh": "eyJhbGciOiJIUzI1NiJ9..."}


# Refusals that only these calls have.

BLANK_CREDENTIALS = invalid(
    "BlankCredentials", "Something is missing.", blank=[Fault("email", "blank"), Fault("password", "blank")]
)
BLANK_TOKEN = invalid("BlankToken", "The token is missing.", blank=[Fault("refresh", "blank")])
INVALID_CREDENTIALS = refusal(
    "InvalidCredentials",
    "An unknown e-mail, a wrong password, an inactive user: the answer does not tell which.",
    InvalidCredentials(replace(QUOTA, remaining=4)),
)
INVALID_TOKEN = refusal("InvalidToken", "The token is not one of ours, or no longer alive.", InvalidToken())


# Answers

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


TOKEN_CALLS = {
    "obtain": [
        extend_schema(
            operation_id="obtainToken",
            summary="Sign in",
            description="An access token and a refresh token for an e-mail and a password. After some failures the next"
            " try must wait, longer each time; whoever knows the password, and signed in from the same address before,"
            " need not. Whoever must change the password may sign in, and gets 403 from every call but a change of the"
            " own password, until that is done.",
            tags=[TOKENS],
            parameters=[INCLUDE, *(tells(header, 200) for header in RATE_HEADERS)],
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
            examples=sample(_CREDENTIALS),
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
            examples=sample({"refresh": _TOKENS["refresh"]}, "A token"),
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
            examples=sample({"refresh": _TOKENS["refresh"]}, "A token"),
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
            examples=sample({"token": _TOKENS["access"]}, "A token"),
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
