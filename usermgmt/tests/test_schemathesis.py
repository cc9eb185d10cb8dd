"""The OpenAPI document against a live server: Schemathesis makes the requests, and checks every answer."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import schemathesis
from click.testing import CliRunner
from django.core.servers.basehttp import WSGIRequestHandler
from schemathesis.cli import schemathesis as command
from schemathesis.openapi.checks import RejectedPositiveData

from accounts.api.schema import NEW_JOHN_DOE
from accounts.models import User
from accounts.tests.callers import tokens_of
from accounts.tests.factories import PASSWORD, AdministratorFactory, UserFactory
from clients.api.schema import ACME
from usermgmt.errors import FRAGMENTS
from usermgmt.text import is_blank

_numbers = count(1)

CONFIG = Path(__file__).with_name("schemathesis.toml")

# What a body can be refused for that no schema tells: it depends on what else there is.
_DEPENDS = [
    re.compile(re.escape(FRAGMENTS[code]).replace(r"\{attribute\}", ".*"))
    for code in (
        "taken",
        "must_exist",
        "has_users",
        "last_administrator",
        "password_too_common",
        "password_too_similar",
    )
]


@contextmanager
def calling_as(make: Callable[[], User]) -> Iterator[None]:
    """Authenticate every call with a new token of a user from `make`: Schemathesis deletes, deactivates,
    demotes and signs out its own caller, too, who is made anew then."""

    class Caller:
        user = make()

        def get(self, case, context):
            alive = User.objects.filter(pk=self.user.pk, is_active=True, is_superuser=self.user.is_superuser).first()
            self.user = alive or make()
            return tokens_of(self.user).access

        def set(self, case, token, context):
            case.headers["Authorization"] = f"Bearer {token}"

    schemathesis.auth(refresh_interval=None)(Caller)
    try:
        yield
    finally:
        schemathesis.auths.unregister()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Make sound bodies true: real credentials and tokens, a confirmation that is equal, the samples' names
    not twice."""
    if case.meta is None or not case.meta.generation.mode.is_positive or not isinstance(case.body, dict):
        return
    if case.path == "/auth/token":
        case.body = {"email": UserFactory().email, "password": PASSWORD}
    elif case.path in ("/auth/token/refresh", "/auth/token/revoke"):
        case.body = {"refresh": tokens_of(UserFactory()).refresh}
    elif case.path == "/auth/token/verify":
        case.body = {"token": tokens_of(UserFactory()).access}
    else:
        case.body = _true(case.body)


def _true(body):
    body = {**body}
    if body.get("password"):
        body["password_confirmation"] = body["password"]
    if isinstance(body.get("client_id"), float):  # JSON Schema calls 1.0 an integer; the contract does not
        body["client_id"] = int(body["client_id"])
    if body.get("email") == NEW_JOHN_DOE["email"]:
        body["email"] = f"john.doe.{next(_numbers)}@example.com"
    if body.get("name") == ACME["name"]:
        body["name"] = f"{ACME['name']} {next(_numbers)}"
    return body


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keep a failure, unless it is that sound values were refused for a reason that no schema can hold."""
    return not (isinstance(failure, RejectedPositiveData) and _depends_on_more(case, response))


def _depends_on_more(case, response) -> bool:
    if response.status_code == 412:  # any version may be named in If-Match; one is the present one
        return True
    if response.status_code != 422:
        return False
    errors = {**response.json()["errors"]}
    if errors.get("cursor") == [FRAGMENTS["invalid"]]:  # opaque and signed: only ours are taken
        del errors["cursor"]
    if errors.get("name") == [FRAGMENTS["blank"]] and is_blank(case.body["name"]):  # no pattern knows all of Unicode
        del errors["name"]
    return all(any(rule.fullmatch(text) for rule in _DEPENDS) for texts in errors.values() for text in texts)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("role", ["administrator", "user"])
def test_the_server_does_what_its_document_says(live_server, cast, role, monkeypatch):
    # The server's answers go out in two writes; without this the second waits 40 ms for the client's kernel.
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)
    make = {"administrator": AdministratorFactory, "user": lambda: UserFactory(client=cast.acme)}[role]
    with calling_as(make):
        run = CliRunner().invoke(
            command, ["--config-file", str(CONFIG), "run", f"{live_server.url}/openapi.json", "--no-color"]
        )
    assert run.exit_code == 0, run.output
    assert "Selected: 21/21" in run.output
    assert "Tested: 21" in run.output
