"""What the OpenAPI document says of the resource contract as a whole (contract 2, 4 and 5)."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from accounts import emails, names
from usermgmt.dialects.resource.errors import CODES, LOCATIONS
from usermgmt.http.contracts import Document
from usermgmt.http.schema import ID, Nature, Refusal, ecma, limit_headers, refusals_of
from usermgmt.text import LINE_PATTERN

Schema = dict[str, Any]

USERS = "Users"


def _name(whose: str) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": names.MAX_LENGTH, "description": whose}


SHOWN: Mapping[str, Schema] = {
    "firstName": _name("Of a user made elsewhere without one, of the name what stands before its first space."),
    "lastName": _name("Of a user made elsewhere without one, what stands behind it; a name of one word is both."),
    "contactEmail": {
        "type": "string",
        "minLength": emails.MIN_LENGTH,
        "maxLength": emails.MAX_LENGTH,
        # No `format`: to its readers what stands before the @ has 64 characters at most (RFC 5321 4.5.3.1.1), and the
        # directory counts the whole alone.
        "pattern": ecma(emails.FORM),
        "description": "Of nobody else, without regard to case.",
    },
}

SENT: Mapping[str, Schema] = {
    name: {**told, "pattern": LINE_PATTERN, "description": "Taken as it is sent: visible text on one line."}
    if name != "contactEmail"
    else told
    for name, told in SHOWN.items()
}

_USER: Schema = {
    "type": "object",
    "properties": {"userId": {"type": "integer", **ID, "description": "Made here."}, **SHOWN},
    "required": ["userId", *SHOWN],
    "additionalProperties": False,
}

_DETAIL: Schema = {
    "type": "object",
    "properties": {
        "field": {"type": "string", "minLength": 1},
        "reason": {"type": "string", "minLength": 1},
        "location": {"enum": list(LOCATIONS)},
    },
    "required": ["field", "reason", "location"],
    "additionalProperties": False,
}

ERROR: Schema = {
    "description": "What went wrong: a code, a sentence, and, of values that were sent, each fault.",
    "type": "object",
    "properties": {
        "code": {"enum": list(CODES)},
        "message": {"type": "string", "minLength": 1},
        "details": {"type": "array", "items": _DETAIL, "minItems": 1},
        "requestId": {"type": "string", "pattern": "^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
    },
    "required": ["code", "message", "requestId"],
    "additionalProperties": False,
}

QUOTA_HEADERS = limit_headers("X-RateLimit", "When there will be more: seconds since 1970.")


def _refusals(call: Nature) -> Sequence[Refusal]:
    """What is usual; but whatever a caller says to accept, the answer is JSON."""
    return [refusal for refusal in refusals_of(call) if refusal.name != "NotAcceptable"]


DOCUMENT = Document(
    title=f"{settings.SITE_NAME}: the resource contract",
    description="""Users as a camelCase resource with coded errors.

Every call carries `Authorization: Bearer` with an access token or an API token of the directory. Administrators may
make every call; others read and change themselves.

What goes wrong is told with a `code` to test for, a `message` for people and the `requestId`, which `X-Request-ID` and
the logs have, too. Of values that were sent each fault is in `details`; `code` and `message` are of the first.

Each answer tells of the token's limit, in `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`; past it
it is 429 with `Retry-After`.""",
    tags={USERS: "The users of the directory."},
    errors={"Error": ERROR},
    error_of=lambda problem: "Error",
    headers=QUOTA_HEADERS,
    refusals=_refusals,
    schemas={"User": _USER},
)
