"""The native contract, for Schemathesis (see `usermgmt.tests.schemathesis_hooks`)."""

import re
from itertools import count

from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData

from accounts.api.schema.users import NEW_JOHN_DOE
from accounts.models import Purpose
from accounts.services import one_time_tokens
from accounts.tests.callers import tokens_of
from accounts.tests.factories import PASSWORD, UserFactory
from clients.api.schema import ACME
from usermgmt.errors import FRAGMENTS
from usermgmt.text import is_blank

_numbers = count(1)

# What values can be refused for that no schema tells: it depends on what else there is.
_DEPENDS = [
    re.compile(re.sub(r"\\\{\w+\\\}", ".*", re.escape(FRAGMENTS[code])))
    for code in (
        "taken",
        "must_exist",
        "has_users",
        "last_administrator",
        "password_too_common",
        "password_too_similar",
        "has_password",
        "inactive",
        "verified",
        "not_future",
        "too_far",
        "not_both",
        "too_many_alive",
        "password_unchanged",
        "key_reused",
    )
]


def sign(case, user):
    case.headers["Authorization"] = f"Bearer {tokens_of(user).access}"


def ask(case):
    """Users are named in paths."""


def true(path, body):
    """The body with real credentials and tokens, a confirmation that is equal, and the samples' names not twice."""
    if path == "/users/bulk":
        return {**body, "users": [true("/users", user) for user in body["users"]]}
    changed = _credentials(path)
    if body.get("password"):
        changed["password_confirmation"] = body["password"]
    for name in ("client_id", "expires_in"):
        if isinstance(body.get(name), float):  # JSON Schema calls 1.0 an integer; the contract does not
            changed[name] = int(body[name])
    if body.get("email") == NEW_JOHN_DOE["email"]:
        changed["email"] = f"john.doe.{next(_numbers)}@example.com"
    if body.get("name") == ACME["name"]:
        changed["name"] = f"{ACME['name']} {next(_numbers)}"
    return body | changed


def _credentials(path):
    """What a call that is open to anyone is given by whoever may."""
    match path:
        case "/auth/token":
            return {"email": UserFactory().email, "password": PASSWORD}
        case "/auth/token/verify":
            return {"token": tokens_of(UserFactory()).access}
        case "/auth/token/refresh" | "/auth/token/revoke":
            return {"refresh": tokens_of(UserFactory()).refresh}
        case "/auth/password/reset":
            return {"email": f"john.doe.{next(_numbers)}@example.com"}  # of each only so many an hour
        case "/auth/password/reset/confirm":
            return {"token": one_time_tokens.issue(user=UserFactory(), purpose=Purpose.PASSWORD_RESET)}
        case "/auth/email/verify":
            return {"token": one_time_tokens.issue(user=UserFactory(), purpose=Purpose.EMAIL_VERIFICATION)}
        case _:
            return {}


def is_beyond(failure, case, response):
    if isinstance(failure, AcceptedNegativeData) and case.path == "/users/bulk":
        return any(result["status"] == 422 for result in response.json()["results"])  # refused one by one
    return isinstance(failure, RejectedPositiveData) and _depends_on_more(case, response)


def _depends_on_more(case, response):
    if response.status_code == 412:  # If-Match may name any version; one is the present one
        return True
    if response.status_code != 422:
        return False
    errors = dict(response.json()["errors"])
    if errors.get("cursor") == [FRAGMENTS["invalid"]]:  # opaque and signed: only ours are taken
        del errors["cursor"]
    if errors.get("contract") == [FRAGMENTS["invalid"]]:  # which there are is the URL conf's to say
        del errors["contract"]
    if errors.get("name") == [FRAGMENTS["blank"]] and is_blank(case.body["name"]):  # no pattern knows all of Unicode
        del errors["name"]
    return all(any(rule.fullmatch(text) for rule in _DEPENDS) for texts in errors.values() for text in texts)
