"""The contract's answers to problems (contract 0 and 5)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.http import HttpResponse

from usermgmt.dialects.forms.mapping import field_of, path_of
from usermgmt.errors import BASE, Fault, fragment
from usermgmt.http.contracts import Problem, Refused, json_answer

MEDIA_TYPE = "application/vnd.api+json"
"""Of every answer (contract 2), though no body is one of JSON:API."""

CHALLENGE = 'Token realm="Application"'
"""How to authenticate, in the words of Rails (RFC 9110 11.6.1)."""

WRONG_PARAMETERS = "Wrong parameters passed"
NO_CONFIGURATION = "form_configuration_name must be the name of a form configuration for this call"
NO_FORM = "form must be an object"
WRONG_CREDENTIALS = "Invalid email or password"
SAID = "said"
"""The code of a fault that a rule of a configuration tells of, in the rule's own words."""

_BASE = {
    401: "Invalid Authentication",
    403: "You are not allowed to do this",
    404: "Not found",
    429: "Too many requests. Try again in {wait} seconds",
    500: "An unexpected error occurred",
    503: "The service is temporarily unavailable",
}
_SHAPELESS = (400, 406, 415)
"""What can't be read, in whatever way, is 406 here (contract 5)."""


BUSY = Problem(503, "unavailable", headers={"Retry-After": "1"})
"""So many write to one user at once that a change could not be judged and written in one piece."""


def wrong_parameters(reason: str) -> Refused:
    """A wrong shape, or no such configuration."""
    return Refused(Problem(406, "wrong_parameters", reason))


def invalid_session(errors: Iterable[Fault]) -> Refused:
    """Values of a session that break a rule; a session has no number, and none is told."""
    return Refused(Problem(422, "invalid", faults=tuple(errors), data={"numbered": False}))


def told(errors: Mapping[str, Sequence[str]]) -> list[Fault]:
    """What the rules of a configuration told of each path, as faults of the directory's fields."""
    return [Fault(field_of(path), SAID, {"words": words}) for path, several in errors.items() for words in several]


def render(problem: Problem) -> HttpResponse:
    """`{"errors": {path: [words]}}`; beside the faults of a user's values stands that there is no id."""
    status, body = _answer(problem)
    headers = dict(problem.headers)
    if status == 401:
        headers["WWW-Authenticate"] = CHALLENGE
    return json_answer(body, status, headers, media_type=MEDIA_TYPE)


def _answer(problem: Problem) -> tuple[int, dict[str, Any]]:
    if problem.faults:
        numbered = {"id": None} if problem.data.get("numbered", True) else {}
        return 422, {**numbered, "errors": _by_path(problem.faults)}
    if problem.code == "invalid_credentials":
        return 422, _base(WRONG_CREDENTIALS)
    if problem.code == "must_change_password":
        return 403, _base("You must change your password first")
    if problem.status in _SHAPELESS:
        return 406, _base(f"{WRONG_PARAMETERS}: {problem.detail}" if problem.detail else WRONG_PARAMETERS)
    if problem.status in _BASE:
        return problem.status, _base(_BASE[problem.status].format(**problem.data))
    return problem.status, _base(problem.detail)


def _base(words: str) -> dict[str, Any]:
    return {"errors": {BASE: [words]}}


def _by_path(faults: Sequence[Fault]) -> dict[str, list[str]]:
    """Each fault under the contract's path to what it is about."""
    told: dict[str, list[str]] = {}
    for fault in faults:
        told.setdefault(path_of(fault.field), []).extend(_words(fault))
    return told


def _words(fault: Fault) -> list[str]:
    # A blank address is both, in this order (contract 5); the configuration may not have asked for one.
    blank = fault.field == "email" and fault.code == "blank"
    return [*(["is invalid"] if blank else []), fragment(fault)]
