"""The native contract's one answer to every problem (native contract 6)."""

from collections import defaultdict
from collections.abc import Iterable

from django.http import HttpResponse

from usermgmt.errors import Fault, fragment
from usermgmt.http.contracts import Problem, json_answer

MESSAGES = {
    "unauthenticated": "You need to sign in or sign up before continuing.",
    "invalid_credentials": "Invalid email or password.",
    "invalid_token": "The token is invalid or has expired.",
    "forbidden": "You are not authorized to perform this action.",
    "must_change_password": "You must change your password.",
    "stale": "The object has changed since you read it.",
    "throttled": "Too many requests. Try again in {wait} seconds.",
}
NOT_FOUND = {"user": "User not found", "client": "Client not found"}
NOT_FOUND_ELSEWHERE = "Not found"
FIELDS = (
    "token",
    "name",
    "email",
    "password",
    "password_confirmation",
    "client",
    "client_id",
    "active",
    "must_change_password",
    "invite",
)


def render(problem: Problem) -> HttpResponse:
    """`{"error": "..."}`, or `{"errors": {field: [fragment, ...]}}` for the values sent."""
    headers = dict(problem.headers)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return json_answer(_body(problem), problem.status, headers)


def _body(problem: Problem) -> dict[str, object]:
    if problem.faults:
        return {"errors": errors_of(problem.faults)}
    if problem.code == "not_found":
        return {"error": NOT_FOUND.get(problem.data.get("kind", ""), NOT_FOUND_ELSEWHERE)}
    message = MESSAGES.get(problem.code)
    # A detail may quote the request, braces and all: only our own words are a format.
    return {"error": problem.detail if message is None else message.format(**problem.data)}


def errors_of(faults: Iterable[Fault]) -> dict[str, list[str]]:
    """The faults as the contract tells them: field to fragments."""
    fields = defaultdict(list)
    for fault in in_order(faults):
        fields[fault.field].append(fragment(fault))
    return fields


def in_order(faults: Iterable[Fault]) -> list[Fault]:
    """In the order of the contract's fields; others behind, as they came."""
    return sorted(faults, key=_place)


def _place(fault: Fault) -> int:
    return FIELDS.index(fault.field) if fault.field in FIELDS else len(FIELDS)
