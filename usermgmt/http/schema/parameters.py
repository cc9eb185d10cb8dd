"""What calls are sent beside a body."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter

from usermgmt.http import idempotency
from usermgmt.http.ids import MAX_ID

ID = {"format": "int64", "minimum": 1, "maximum": MAX_ID}
"""The number of a row, beyond its type."""

REQUEST_ID: dict[str, Any] = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "An id of your own for this request: at most 64 letters, digits, dots, hyphens and underscores;"
    " for anything else one is made.",
    "schema": {"type": "string"},
}
"""A component that every call refers to."""

IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": idempotency.HEADER,
    "in": "header",
    "description": "Made by chance for this request, and sent again with each retry of it: what was asked for is done"
    " once, and every retry within 24 hours gets the first answer. A string of RFC 8941 or the bare characters. Answers"
    " that ask to come again (401, 403, 409, 413, 429, 5xx) are not kept.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": idempotency.MAX_LENGTH,
        "pattern": idempotency.KEY_PATTERN,
    },
}
"""A component that every POST call refers to, where the contract takes keys."""

IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": r'^(\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*)$'},
    OpenApiParameter.HEADER,
    description="Entity tags of the versions that you know: if the present one is not among them, the answer is 412"
    " and nothing is changed. `*`, as without the header, changes any version.",
)


def query(name: str, schema: dict[str, Any], description: str, **more: Any) -> OpenApiParameter:
    """A query parameter."""
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=description, **more)


def identifier(what: str) -> OpenApiParameter:
    """The number in a path."""
    return OpenApiParameter(
        "id",
        {"type": "integer", **ID},
        OpenApiParameter.PATH,
        description=f"The number of the {what}.",
    )


def ecma(pattern: str) -> str:
    """A regular expression of Python's in the words of ECMA 262, as JSON Schema has it."""
    return pattern.replace(r"\A", "^").replace(r"\Z", "$")
