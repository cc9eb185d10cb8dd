"""What Schemathesis needs to know of the directory: loaded by it, in its own process (test_schemathesis.py).

CALLER says as whom it calls: "administrator" or "user". DATABASE is the name of the server's database.
"""

import os
import re
from itertools import count

import django
import schemathesis
from django.conf import settings
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData

settings.DATABASES["default"]["NAME"] = os.environ["DATABASE"]
django.setup()

from accounts.api.schema.users import NEW_JOHN_DOE  # noqa: E402  # models need Django
from accounts.models import Purpose, User  # noqa: E402
from accounts.services import one_time_tokens  # noqa: E402
from accounts.tests.callers import tokens_of  # noqa: E402
from accounts.tests.factories import PASSWORD, AdministratorFactory, UserFactory  # noqa: E402
from clients.api.schema import ACME  # noqa: E402
from clients.tests.factories import ClientFactory  # noqa: E402
from usermgmt.errors import FRAGMENTS  # noqa: E402
from usermgmt.http.idempotency import KEY_PATTERN  # noqa: E402
from usermgmt.text import is_blank  # noqa: E402

MAKE = {"administrator": AdministratorFactory, "user": UserFactory}[os.environ["CALLER"]]

# Distinct from those that the test has made in the same database.
UserFactory.reset_sequence(1_000_000)
ClientFactory.reset_sequence(1_000_000)
_numbers = count(1)
_KEY = re.compile(KEY_PATTERN)

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


@schemathesis.auth(refresh_interval=None)
class Caller:
    """A new token for every call: the calls sign out, deactivate, demote and delete their own caller, too, who
    is made anew then."""

    def __init__(self):
        self.user = MAKE()

    def get(self, case, context):
        alive = User.objects.filter(pk=self.user.pk, is_active=True, is_superuser=self.user.is_superuser).first()
        self.user = alive or MAKE()
        return tokens_of(self.user).access

    def set(self, case, token, context):
        case.headers["Authorization"] = f"Bearer {token}"


@schemathesis.hook
def before_call(context, case, kwargs):
    """Make sound bodies true, and each call one of its own."""
    if _KEY.match(str((case.headers or {}).get("Idempotency-Key", ""))):
        case.headers["Idempotency-Key"] = f"call-{next(_numbers)}"
    if case.meta is not None and case.meta.generation.mode.is_positive and isinstance(case.body, dict):
        case.body = _true(case.path, case.body)


def _true(path, body):
    """The body with real credentials and tokens, a confirmation that is equal, and the samples' names not twice."""
    if path == "/users/bulk":
        return {**body, "users": [_true("/users", user) for user in body["users"]]}
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


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keep a failure, unless it is that sound values were refused for a reason that no schema can hold."""
    if isinstance(failure, AcceptedNegativeData) and case.path == "/users/bulk":
        return not any(result["status"] == 422 for result in response.json()["results"])  # refused one by one
    return not (isinstance(failure, RejectedPositiveData) and _depends_on_more(case, response))


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
