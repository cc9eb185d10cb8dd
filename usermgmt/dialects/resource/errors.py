"""The contract's answers to problems (contract 4)."""

import math
import time
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse

from usermgmt.dialects.resource.mapping import LENGTHS, PROPERTIES
from usermgmt.errors import BASE, Fault, Quota, fragment, sentence
from usermgmt.http.contracts import Problem, json_answer
from usermgmt.origin import current

INVALID, MISSING = "INVALID_FIELD", "MISSING_REQUIRED_FIELD"
SAMPLE_ID = "req-f8d31a62-e789-4856-9452-5efa50223c7a"
"""The id of a request in the contract's own example."""
NO_PROPERTIES = "The request body must contain at least one of firstName, lastName and contactEmail"

_ANSWERS = {
    401: ("UNAUTHORIZED", "Authentication is required to access this resource"),
    403: ("FORBIDDEN", "You do not have permission to access this resource"),
    404: ("RESOURCE_NOT_FOUND", "The requested resource could not be found"),
    429: ("RATE_LIMIT_EXCEEDED", "Rate limit exceeded. Try again in {wait} seconds"),
    500: ("SERVER_ERROR", "An unexpected error occurred. Please try again later"),
    503: ("SERVER_ERROR", "An unexpected error occurred. Please try again later"),
}
CODES = (INVALID, MISSING, *dict.fromkeys(code for code, _ in _ANSWERS.values()))
_REASONS = {
    "missing": "Is required",
    "wrong_type": "Invalid type",
    "too_short": "String too short",
    "too_long": "String too long",
    "invalid": "Invalid format",
    "blank": "Invalid format",
    "taken": "Already in use",
    "unknown_choice": "Invalid value",
    "too_small": "Value too small",
    "too_large": "Value too large",
    "not_integer": "Invalid type",
    "not_number": "Invalid type",
}
"""Code of a fault to its `reason`."""

BODY, QUERY, PATH = LOCATIONS = "body", "query", "path"


def render(problem: Problem) -> HttpResponse:
    """`{code, message, details?, requestId}`; every fault of the values sent is in `details`."""
    status, body = _answer(problem)
    origin = current()
    headers = {**problem.headers, **({"WWW-Authenticate": "Bearer"} if status == 401 else {})}  # RFC 9110 11.6.1
    # Where no call of the contract is at hand, it is for the document.
    request_id = origin.request_id if origin.contract == "resource" else SAMPLE_ID
    return json_answer({**body, "requestId": request_id}, status, headers)


def quota_headers(quota: Quota) -> dict[str, str]:
    """Where the caller stands with the limit; a second since 1970 at which it has ended (contract 5)."""
    return {
        "X-RateLimit-Limit": str(quota.limit),
        "X-RateLimit-Remaining": str(quota.remaining),
        "X-RateLimit-Reset": str(math.ceil(time.time() + quota.reset)),
    }


def _answer(problem: Problem) -> tuple[int, dict[str, Any]]:
    if problem.faults:
        return 400, _of_faults(problem.faults)
    if problem.status in _ANSWERS:
        code, message = _ANSWERS[problem.status]
        return problem.status, {"code": code, "message": message.format(**problem.data)}
    status = problem.status if problem.status in (405, 413, 415) else 400
    return status, {"code": INVALID, "message": problem.detail}


def _of_faults(faults: Sequence[Fault]) -> dict[str, Any]:
    # Of the name that the parts make the directory tells, too; here there is none.
    faults = [fault for fault in faults if fault.field != "name"] or [Fault("given_name", faults[0].code)]
    first = faults[0]
    details = [
        {"field": _named(fault), "reason": _REASONS.get(fault.code, "Invalid value"), "location": _place(fault)}
        for fault in faults
    ]
    return {"code": MISSING if first.code == "missing" else INVALID, "message": _message(first), "details": details}


def _named(fault: Fault) -> str:
    # What concerns a user as a whole is about the one whom the path names.
    return "userId" if fault.field == BASE else PROPERTIES.get(fault.field, fault.field)


def _place(fault: Fault) -> str:
    return PATH if fault.field == BASE else str(fault.data.get("location", BODY))


_MESSAGES = {
    "missing": "The `{name}` field is required.",
    "wrong_type": "The field `{name}` must be a string",
    "not_number": "The field `{name}` must be an integer",
    "taken": "The field `{name}` is already in use",
    "blank": "The field `{name}` must be visible text on one line",
    "invalid": "The field `{name}` must be visible text on one line",
    "unknown_choice": "The `{name}` value '{value}' is not valid.",
}
"""Code of a fault to its message, where no bounds are told."""


def _message(fault: Fault) -> str:
    if fault.field == BASE:
        return sentence(fault)
    name = _named(fault)
    if fault.field == "email" and fault.code == "invalid":
        return f"The field `{name}` must be a valid email address"
    if fault.code in ("too_short", "too_long") and fault.field in LENGTHS:
        minimum, maximum = LENGTHS[fault.field]
        return f"The field `{name}` must be between {minimum} and {maximum} characters"
    if fault.code in _MESSAGES:
        return _MESSAGES[fault.code].format(name=name, **fault.data)
    if fault.data.get("maximum") is not None:
        return f"The field `{name}` must be between {fault.data['minimum']} and {fault.data['maximum']}"
    if "minimum" in fault.data:
        return f"The field `{name}` must be an integer of at least {fault.data['minimum']}"
    return f"The field `{name}` {fragment(fault)}"
