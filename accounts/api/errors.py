"""The native contract's one answer to every problem (native contract 6)."""

from collections import defaultdict

from django.http import HttpResponse, JsonResponse

from usermgmt.errors import Fault, fragment
from usermgmt.http.contracts import Problem

MESSAGES = {
    "unauthenticated": "You need to sign in or sign up before continuing.",
    "invalid_credentials": "Invalid email or password.",
    "invalid_token": "The token is invalid or has expired.",
    "forbidden": "You are not authorized to perform this action.",
    "stale": "The object has changed since you read it.",
    "throttled": "Too many requests. Try again in {wait} seconds.",
}
NOT_FOUND = {"user": "User not found", "client": "Client not found"}
NOT_FOUND_ELSEWHERE = "Not found"
FIELDS = ("name", "email", "password", "password_confirmation", "client", "client_id", "active")


def render(problem: Problem) -> HttpResponse:
    """`{"error": "..."}`, or `{"errors": {field: [fragment, ...]}}` for the values sent."""
    headers = dict(problem.headers)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JsonResponse(
        _body(problem), status=problem.status, headers=headers, json_dumps_params={"separators": (",", ":")}
    )


def _body(problem: Problem) -> dict[str, object]:
    if problem.faults:
        fields = defaultdict(list)
        for fault in sorted(problem.faults, key=_place):
            fields[fault.field].append(fragment(fault))
        return {"errors": fields}
    if problem.code == "not_found":
        return {"error": NOT_FOUND.get(problem.data.get("kind", ""), NOT_FOUND_ELSEWHERE)}
    message = MESSAGES.get(problem.code)
    # A detail may quote the request, braces and all: only our own words are a format.
    return {"error": problem.detail if message is None else message.format(**problem.data)}


def _place(fault: Fault) -> int:
    """Faults stand in the order of the contract's fields; others behind, as they came."""
    return FIELDS.index(fault.field) if fault.field in FIELDS else len(FIELDS)
