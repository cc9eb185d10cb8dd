"""The contract's answers to problems (contract 1), and its own words for what the directory refuses (contract 3)."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.utils.html import escape

from accounts.roles import ADMINISTRATOR
from usermgmt.errors import BASE, Fault, Forbidden, Invalid, Quota, TooManyRequests, fragment, sentence
from usermgmt.http.contracts import Problem, Refused, json_answer

LOGGED_OUT = "You must be logged in to do this."
UNAUTHORIZED = "Unauthorized"
NOT_PERMITTED = "User does not have the permissions required for this action [error-unauthorized]"
MUST_CHANGE_PASSWORD = "You must change your password."
USER_NOT_FOUND = "User not found."
NO_ENDPOINT = "API endpoint does not exist."
THROTTLED = (
    "Error, too many requests. Please slow down."
    " You must wait {wait} seconds before trying this endpoint again. [error-too-many-requests]"
)
KEPT_STATUSES = frozenset({401, 403, 404, 405, 413, 429, 500, 503})
"""Of everything else the product says 400, what it does not find included."""

SAVE = "insertOrUpdateUser"

DENIED = frozenset({"not_yours_to_give", "not_yours_to_set"})
"""Codes of faults that are no wrong values, but want of a right."""


def refused(code: str, message: str, details: Any = None, *, status: int = 400) -> Refused:
    """A refusal in the words of the product. status: 403 for what the audit trail is to know of; the answer is 400."""
    return Refused(Problem(status, code, message, data={"details": details}))


def failed(message: str) -> Refused:
    """A refusal that has no code."""
    return Refused(Problem(400, "failed", message))


def invalid_params(message: str) -> Refused:
    """What Ajv says of a body."""
    return refused("invalid-params", message)


# The answers


def render(problem: Problem) -> HttpResponse:
    """The envelope of a failure. Problems with `details` are the contract's own, their codes the product's."""
    status, body = _answer(problem)
    return json_answer(body, status, problem.headers)


def _answer(problem: Problem) -> tuple[int, dict[str, Any]]:
    match problem.status:
        case _ if "details" in problem.data:
            return 400, _coded(problem.detail, problem.code, problem.data["details"])
        case 401:
            return 401, _unauthenticated(problem)
        case 403 if problem.code == "must_change_password":
            return 403, _coded(MUST_CHANGE_PASSWORD, "error-password-change-required", None)
        case 403:
            return 403, {"success": False, "error": NOT_PERMITTED}
        case 404 if problem.data.get("kind"):
            return 400, {"success": False, "error": USER_NOT_FOUND}
        case 404 | 405:
            return problem.status, {"status": "error", "message": NO_ENDPOINT, "success": False, "error": NO_ENDPOINT}
        case 429:
            return 429, {"success": False, "error": THROTTLED.format(**problem.data)}
        case status:
            words = " ".join(f"{sentence(fault)}." for fault in problem.faults)
            return status if status in KEPT_STATUSES else 400, {"success": False, "error": words or problem.detail}


def _unauthenticated(problem: Problem) -> dict[str, Any]:
    if problem.code == "error-login-blocked":
        return _no_login(problem.code, problem.detail)
    if problem.code != "invalid_credentials":
        return {"status": "error", "message": LOGGED_OUT, "success": False, "error": LOGGED_OUT}
    if problem.data.get("inactive"):
        return _no_login("error-user-is-not-activated", "User is not activated")
    return _no_login(UNAUTHORIZED, UNAUTHORIZED)


def _coded(message: str, code: str, details: Any) -> dict[str, Any]:
    body = {"success": False, "error": f"{message} [{code}]", "errorType": code}
    return body if details is None else {**body, "details": details}


def _no_login(error: str, message: str) -> dict[str, Any]:
    return {"status": "error", "error": error, "message": message, "success": False}


def login_blocked(refusal: TooManyRequests) -> Refused:
    """Too many tries to log in: the product answers them as it answers a wrong password, with other words."""
    told = f"Login has been temporarily blocked. Try again in {refusal.wait} seconds."
    headers = {"Retry-After": str(refusal.wait)}
    return Refused(Problem(401, "error-login-blocked", told, headers=headers, quota=refusal.quota))


def quota_headers(quota: Quota) -> dict[str, str]:
    """Where the caller stands with a limit; the end of it in milliseconds since 1970 (contract 1)."""
    return {
        "X-RateLimit-Limit": str(quota.limit),
        "X-RateLimit-Remaining": str(quota.remaining),
        "X-RateLimit-Reset": str(int(time.time() * 1000) + quota.reset * 1000),
    }


# What saving a user refuses: the table of contract 3, in its order

Said = Mapping[str, Any]
"""What was sent, by the contract's names."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: whether it is about a fault, and how it tells of one. code: "" for none."""

    field: str
    codes: frozenset[str]
    code: str
    message: Callable[[Fault, Said], str]
    details: Callable[[Fault, Said], Any]


def row(
    field: str,
    codes: Iterable[str],
    code: str,
    message: str | Callable[[Fault, Said], str],
    details: Mapping[str, Any] | Callable[[Fault, Said], Any] | None = None,
) -> Row:
    """A row whose message and details may be said outright."""
    told = message if callable(message) else lambda fault, said: message
    return Row(field, frozenset(codes), code, told, details if callable(details) else lambda fault, said: details)


def _method(**more: str) -> dict[str, str]:
    return {"method": SAVE, **more}


_CUSTOM_FIELDS = {
    "custom_required": "Field {name} is required",
    "custom_too_short": "Min length of field {name} {minimum}",
    "custom_too_long": "Max length of field {name} {maximum}",
    "custom_invalid": "Value for field {name} is invalid",
    "too_complex": "Custom fields are too large",
    "invalid": "Custom fields are invalid",
}
_BAD_FIELD = "error-the-field-is-required"
NOT_ALLOWED = "error-action-not-allowed"
_DOMAIN = {"function": "RocketChat.validateEmailDomain"}


TABLE: Sequence[Row] = (
    row(
        "custom_fields",
        _CUSTOM_FIELDS,
        "error-user-registration-custom-field",
        lambda fault, said: _CUSTOM_FIELDS[fault.code].format(**fault.data),
        {"method": "registerUser"},
    ),
    row(
        "roles",
        ["unknown_role"],
        NOT_ALLOWED,
        "The field Roles consist invalid role id",
        _method(action="Assign_role"),
    ),
    row(
        "roles",
        ["not_yours_to_give"],
        NOT_ALLOWED,
        lambda fault, said: f"Assigning {fault.data['role']} is not allowed",
        lambda fault, said: _method(action=f"Assign_{fault.data['role']}"),
    ),
    row(
        "administrator",
        ["not_yours_to_give"],
        NOT_ALLOWED,
        f"Assigning {ADMINISTRATOR} is not allowed",
        _method(action=f"Assign_{ADMINISTRATOR}"),
    ),
    row("name", ["blank"], _BAD_FIELD, "The field Name is required", _method(field="Name")),
    row("username", ["blank"], _BAD_FIELD, "The field Username is required", _method(field="Username")),
    row(
        "username",
        ["invalid", "too_long"],
        "error-input-is-not-a-valid-field",
        lambda fault, said: f"{escape(said['username'])} is not a valid username",
        lambda fault, said: _method(input=said["username"], field="Username"),
    ),
    row("password", ["blank"], _BAD_FIELD, "The field Password is required", _method(field="Password")),
    row(
        "username",
        ["reserved"],
        "error-blocked-username",
        lambda fault, said: f"{escape(said['username'])} is blocked and can't be used!",
        lambda fault, said: {"method": "checkUsernameAvailability", "field": said["username"]},
    ),
    row(
        "username",
        ["taken"],
        "error-field-unavailable",
        lambda fault, said: f"{escape(said['username'])} is already in use :(",
        lambda fault, said: _method(field=said["username"]),
    ),
    row(
        "email",
        ["taken"],
        "error-field-unavailable",
        lambda fault, said: f"{escape(said['email'])} is already in use :(",
        lambda fault, said: _method(field=said["email"]),
    ),
    row(
        "email",
        ["blank", "invalid", "too_long"],
        "error-invalid-email",
        lambda fault, said: f"Invalid email {escape(said['email'])}",
        _DOMAIN,
    ),
    row(
        "email_domain", ["domain_not_allowed"], "error-invalid-domain", "The email domain is not in whitelist", _DOMAIN
    ),
    row(
        "email_domain", ["domain_blocked"], "error-email-domain-blacklisted", "The email domain is blacklisted", _DOMAIN
    ),
    row(
        "bio",
        ["too_long"],
        "error-bio-size-exceeded",
        lambda fault, said: f"Bio size exceeds {fault.data['maximum']} characters",
        {"method": "saveUserProfile"},
    ),
    row(
        "nickname",
        ["too_long"],
        "error-nickname-size-exceeded",
        lambda fault, said: f"Nickname size exceeds {fault.data['maximum']} characters",
        {"method": "saveUserProfile"},
    ),
    row("active", ["not_yours_to_set"], "error-not-allowed", "Not allowed", {"method": "setUserActiveStatus"}),
)


def not_allowed(message: str, action: str) -> Refused:
    """What the product says in the middle of saving to whoever may not do this; the audit trail knows of it."""
    return refused(NOT_ALLOWED, message, _method(action=action), status=403)


@contextmanager
def saving(said: Said, *, action: str, forbidden: str, table: Sequence[Row] = TABLE) -> Iterator[None]:
    """Turn what the services refuse into the first row of a table that is about it.

    said: what was sent. forbidden, action: what the product says to whoever may not do this at all. Raises Refused.
    """
    try:
        yield
    except Forbidden as error:
        if error.code != Forbidden.code:
            raise
        raise not_allowed(forbidden, action) from error
    except Invalid as error:
        raise of_faults(error.faults, said, table) from error


def of_faults(faults: Sequence[Fault], said: Said, table: Sequence[Row] = TABLE) -> Refused:
    """The first fault in the order of the table; of the password's policy all that are broken."""
    found = [(rank, fault) for fault in faults for rank, about in enumerate(table) if _is_about(about, fault)]
    if found:
        rank, fault = min(found, key=lambda pair: pair[0])
        about = table[rank]
        if not about.code:
            return failed(about.message(fault, said))
        status = 403 if fault.code in DENIED else 400
        return refused(about.code, about.message(fault, said), about.details(fault, said), status=status)
    of_password = [fault for fault in faults if fault.field == "password"]
    if of_password:
        return password_policy([_broken_rule(fault) for fault in of_password])
    fault = faults[0]
    words = fragment(fault) if fault.field == BASE else sentence(fault)
    return refused("error-invalid-user", words, _method(field=fault.field))


def password_policy(broken: Sequence[Mapping[str, str]]) -> Refused:
    """The rules of the password's policy that are broken, each as {error, message}."""
    told = "The password provided does not meet the server's password policy."
    return refused("error-password-policy-not-met", told, list(broken))


_RULES = {
    "too_short": ("minLength", "does not meet the minimum length"),
    "too_long": ("maxLength", "does not meet the maximum length"),
    "password_with_run": ("repeatingCharacters", "contains repeating characters which is against the"),
    **{
        f"password_without_{kind}": (rule, f"does not contain at least one {words} character which is against the")
        for kind, rule, words in (
            ("lowercase", "oneLowercase", "lowercase"),
            ("uppercase", "oneUppercase", "uppercase"),
            ("digit", "oneNumber", "numerical"),
            ("symbol", "oneSpecial", "special"),
        )
    },
}
"""The code of a fault to the product's name of the rule, and to its words."""


def _broken_rule(fault: Fault) -> dict[str, str]:
    rule, words = _RULES.get(fault.code, (fault.code, ""))
    told = f"The password {words} password policy." if words else f"{sentence(fault)}."
    return {"error": f"error-password-policy-not-met-{rule}", "message": told}


def _is_about(about: Row, fault: Fault) -> bool:
    return about.field == fault.field and fault.code in about.codes
