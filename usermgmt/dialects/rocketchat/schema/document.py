"""What the OpenAPI document says of the Rocket.Chat contract as a whole."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from usermgmt.dialects.rocketchat.errors import invalid_params, render
from usermgmt.dialects.rocketchat.schema.shapes import SHAPES, Schema, closed
from usermgmt.http.contracts import Document, Problem
from usermgmt.http.schema import Nature, Refusal, limit_headers, refusals_of

SESSIONS, USERS, ABOUT = "Sessions", "Users", "About"

QUOTA_HEADERS = limit_headers("X-RateLimit", "When there will be more: milliseconds since 1970.")

_WORDS: Schema = {"type": "string", "minLength": 1}
_FAILED: Schema = {"const": False}
_RULE = closed({"error": _WORDS, "message": _WORDS})

FAILURES: Mapping[str, Schema] = {
    "Failure": {
        "description": "What went wrong, as a sentence.",
        **closed({"success": _FAILED, "error": _WORDS}),
    },
    "CodedFailure": {
        "description": "What went wrong: a sentence that ends in the code in brackets, the code, and what it is about.",
        **closed(
            {
                "success": _FAILED,
                "error": {"type": "string", "pattern": r" \[[a-z0-9-]+\]$"},
                "errorType": {"type": "string", "pattern": "^[a-z0-9-]+$"},
                "details": {
                    "description": "Of a password, each rule of the policy that it breaks; else where it went wrong.",
                    "oneOf": [
                        {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
                        {"type": "array", "items": _RULE, "minItems": 1},
                    ],
                },
            },
            optional=["details"],
        ),
    },
    "StatusFailure": {
        "description": "What went wrong where there is no login, or no call: in the words of old and new clients.",
        **closed({"status": {"const": "error"}, "message": _WORDS, "success": _FAILED, "error": _WORDS}),
    },
}


def _failure_of(problem: Problem) -> str:
    """Which of the failures a problem is answered with: by its keys."""
    told = json.loads(render(problem).content)
    if "errorType" in told:
        return "CodedFailure"
    return "StatusFailure" if "status" in told else "Failure"


NO_OBJECT = Refusal(
    "NoObject", "The body is JSON, but no object.", {"no_object": invalid_params("must be object").problem}
)
_DESCRIPTIONS = {
    "Unauthenticated": "`X-User-Id` or `X-Auth-Token` is missing, they are not of the same user, or the token is no"
    " longer alive.",
}


def _refusals(call: Nature) -> Sequence[Refusal]:
    """What is usual, in this contract's words; but whatever a caller says to accept, the answer is JSON."""
    told = [
        replace(refusal, description=_DESCRIPTIONS.get(refusal.name, refusal.description))
        for refusal in refusals_of(call)
        if refusal.name != "NotAcceptable"
    ]
    return [*told, NO_OBJECT] if call.reads else told


DOCUMENT = Document(
    title=f"{settings.SITE_NAME}: the Rocket.Chat contract",
    description="""User administration for software that speaks to Rocket.Chat.

`POST /api/v1/login` gives `userId` and `authToken`; every other call carries both, as `X-User-Id` and `X-Auth-Token`.
An API token of the directory is good as `X-Auth-Token`, too; nothing outside of the client that it is bound to is there
for it, and one that is read-only opens GET and `logout` alone. Whoever must change the password gets 403 from every
call but `logout` and, for themselves, `users.update` with a new one.

Every answer is JSON and has `success`. What goes wrong is 400, also what is not found, and what a caller may not do to
a user; `error` is a sentence, and where there is a code, it stands in brackets at its end and alone in `errorType`. A
path that there is not answers 404, a method that a path does not have 405.

Values are coerced before they are judged, as Ajv does with `coerceTypes`: a number or a boolean is taken where a string
is asked for, as its text; `"true"`, `"false"`, 1 and 0 where a boolean is; null as `""` or false where null is not
taken. Of several faults the first is told. A body without a byte is an empty object.

Where calls are limited in number, each answer tells of it, in `X-RateLimit-Limit`, `X-RateLimit-Remaining` and
`X-RateLimit-Reset`; past the limit it is 429 with `Retry-After`.""",
    tags={
        SESSIONS: "Log in, log out, and who is logged in.",
        USERS: "The users of the directory. Administrators may do everything to all of them; others what their roles"
        " allow, to users of their own client.",
        ABOUT: "What this is.",
    },
    errors=FAILURES,
    error_of=_failure_of,
    headers=QUOTA_HEADERS,
    refusals=_refusals,
    schemas=SHAPES,
)


class TokenPairScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How calls are authenticated, for the document: by both headers together."""

    target_class = "usermgmt.dialects.rocketchat.authentication.TokenPairAuthentication"
    name = ["userId", "authToken"]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        return [
            {"type": "apiKey", "in": "header", "name": "X-User-Id", "description": "The `userId` of `login`."},
            {"type": "apiKey", "in": "header", "name": "X-Auth-Token", "description": "The `authToken` of `login`."},
        ]
