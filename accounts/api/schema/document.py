"""What the OpenAPI document says of the native contract as a whole."""

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from clients.api.schema import TAG as CLIENTS
from usermgmt.http.contracts import Document
from usermgmt.http.schema import RATE_HEADERS

TOKENS, LINKS, API_TOKENS = "Tokens", "Links", "API tokens"
USERS, EVENTS = "Users", "Events"

DOCUMENT = Document(
    title=f"{settings.SITE_NAME}: the native contract",
    description="""One directory of users. A user belongs to a client, or to none and is an administrator.

`POST /auth/token` gives an access token for an e-mail and a password; every other call carries it, as
`Authorization: Bearer {access}`. Programs carry an API token in its place, which `POST /tokens` makes: it may do what
its owner may, save to make tokens and to change its owner's password or e-mail. Nothing outside of the client that it
is bound to is there for it, and one that is read-only opens GET and HEAD alone.

What goes wrong is told as `{"error": "..."}`, or, where the values sent are at fault, as
`{"errors": {field: ["...", ...]}}` with every fault at once. A method that a path does not have answers 405, a path
that there is not 404, both in JSON. Where calls are limited in number, each answer tells of it, in `RateLimit-Limit`,
`RateLimit-Remaining` and `RateLimit-Reset`; past the limit it is 429 with `Retry-After`. Keys in a body that are not
described here are ignored.""",
    tags={
        TOKENS: "Sign in, stay signed in, sign out.",
        LINKS: "Mails with a link that is good once: to set a password, or to prove an address.",
        API_TOKENS: "Long-lived tokens for programs; one's own.",
        USERS: "The users of the directory: administrators see all, other users themselves.",
        EVENTS: "The audit trail: what happened, never changed.",
        CLIENTS: "Whom users belong to: customers, tenants.",
    },
    errors={
        "Error": {
            "description": "What went wrong, as a sentence.",
            "type": "object",
            "properties": {"error": {"type": "string", "minLength": 1}},
            "required": ["error"],
            "additionalProperties": False,
        },
        "Errors": {
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
    },
    headers=RATE_HEADERS,
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


class ApiTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How programs' calls are authenticated, for the document."""

    target_class = "accounts.authentication.ApiTokenAuthentication"
    name = "apiToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "The `token` of `POST /tokens`.",
        }
