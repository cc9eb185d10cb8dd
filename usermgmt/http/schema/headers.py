"""The headers of answers."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter

from usermgmt.errors import Quota
from usermgmt.http import idempotency

QUOTA = Quota(limit=5, remaining=0, reset=30)
"""What answers tell of a limit, for examples."""

HEADERS: Mapping[str, Mapping[str, Any]] = {
    "X-Request-ID": {
        "description": "The id of the request: as sent, or made here. The audit trail and the logs have it too.",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate (RFC 6750 3).",
        "required": True,
        "schema": {"const": "Bearer"},
    },
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "ETag": {
        "description": "The version of the object; sent back as `If-Match` it makes a change safe (RFC 9110 13.1.1).",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
    },
    "Allow": {"description": "The methods of the path.", "required": True, "schema": {"type": "string"}},
    "Location": {"description": "The path of what was made.", "required": True, "schema": {"type": "string"}},
    idempotency.REPLAYED: {
        "description": "`true` where this is the stored answer to an earlier request with the same `Idempotency-Key`.",
        "schema": {"const": "true"},
    },
    "Link": {
        "description": 'The next page of a walk by `cursor`, with `rel="next"` (RFC 8288); not on the last page.',
        "schema": {"type": "string"},
    },
}
"""The response headers that any contract may have, by name; others are in its `Document`."""


def limit_headers(name: str, reset: str) -> Mapping[str, Mapping[str, Any]]:
    """Those that tell of a limit, as `name` with -Limit, -Remaining and -Reset. reset: what the last one says."""
    return {
        f"{name}-Limit": {
            "description": "How many there may be, by the limit that is met first.",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        },
        f"{name}-Remaining": {
            "description": "How many of them are left.",
            "required": True,
            "schema": {"type": "integer", "minimum": 0},
        },
        f"{name}-Reset": {"description": reset, "required": True, "schema": {"type": "integer", "minimum": 1}},
    }


RATE_HEADERS = limit_headers("RateLimit", "Seconds until there are more.")
"""Those that tell of a limit, unless a contract has others."""


def tells(header: str, *statuses: int, among: Mapping[str, Mapping[str, Any]] | None = None) -> OpenApiParameter:
    """The response header on the answers of those statuses. among: the contract's own headers."""
    told = {**HEADERS, **RATE_HEADERS, **(among or {})}[header]
    return OpenApiParameter(
        header,
        told["schema"],
        OpenApiParameter.HEADER,
        required=told.get("required", False),
        description=told["description"],
        response=list(statuses),
    )
