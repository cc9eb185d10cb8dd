"""Who may call what: one table over every route of the native contract and every kind of caller (native contract 2)."""

import json
import re
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from accounts.models import Purpose, User
from accounts.services import one_time_tokens
from accounts.tests.callers import api_token_of, caller, tokens_of
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.rows import everything
from clients.models import Client
from usermgmt.urls import NATIVE

ERRORS = {
    401: {"error": "You need to sign in or sign up before continuing."},
    403: {"error": "You are not authorized to perform this action."},
}
NOT_FOUND = {"users": "User not found", "clients": "Client not found", "tokens": "Not found"}
JSON = "application/json"
ACTORS = ("nobody", "forger", "disabled", "owner", "administrator")
# Method, route, whose number stands in the path, and the status for each actor, in the order of ACTORS.
TABLE = [
    ("POST", "auth/token", "", 200, 200, 200, 200, 200),
    ("POST", "auth/token/refresh", "", 200, 200, 200, 200, 200),
    ("POST", "auth/token/revoke", "", 204, 204, 204, 204, 204),
    ("POST", "auth/token/verify", "", 200, 200, 200, 200, 200),
    ("POST", "auth/password/reset", "", 202, 202, 202, 202, 202),
    ("POST", "auth/password/reset/confirm", "", 200, 200, 200, 200, 200),
    ("POST", "auth/email/verify", "", 200, 200, 200, 200, 200),
    ("GET", ".well-known/jwks.json", "", 200, 200, 200, 200, 200),
    ("GET", "tokens", "", 401, 401, 401, 200, 200),
    ("POST", "tokens", "", 401, 401, 401, 201, 201),
    ("DELETE", "tokens/{id}", "token", 401, 401, 401, 204, 404),
    ("DELETE", "tokens/{id}", "missing", 401, 401, 401, 404, 404),
    ("DELETE", "tokens/{id}", "abc", 401, 401, 401, 404, 404),
    ("DELETE", "tokens/{id}", "huge", 401, 401, 401, 404, 404),
    ("GET", "users", "", 401, 401, 401, 403, 200),
    ("POST", "users", "", 401, 401, 401, 403, 201),
    ("POST", "users/bulk", "", 401, 401, 401, 403, 200),
    ("GET", "users/current", "", 401, 401, 401, 200, 200),
    ("PUT", "users/current", "", 401, 401, 401, 200, 200),
    ("PATCH", "users/current", "", 401, 401, 401, 200, 200),
    ("GET", "users/{id}", "owner", 401, 401, 401, 200, 200),
    ("GET", "users/{id}", "stranger", 401, 401, 401, 403, 200),
    ("GET", "users/{id}", "outsider", 401, 401, 401, 403, 200),
    ("GET", "users/{id}", "disabled", 401, 401, 401, 403, 200),
    ("GET", "users/{id}", "administrator", 401, 401, 401, 403, 200),
    ("GET", "users/{id}", "missing", 401, 401, 401, 403, 404),
    ("GET", "users/{id}", "abc", 401, 401, 401, 403, 404),
    ("GET", "users/{id}", "zero", 401, 401, 401, 403, 404),
    ("GET", "users/{id}", "negative", 401, 401, 401, 403, 404),
    ("GET", "users/{id}", "padded", 401, 401, 401, 403, 404),
    ("GET", "users/{id}", "huge", 401, 401, 401, 403, 404),
    ("PUT", "users/{id}", "owner", 401, 401, 401, 200, 200),
    ("PUT", "users/{id}", "stranger", 401, 401, 401, 403, 200),
    ("PUT", "users/{id}", "outsider", 401, 401, 401, 403, 200),
    ("PUT", "users/{id}", "administrator", 401, 401, 401, 403, 200),
    ("PUT", "users/{id}", "missing", 401, 401, 401, 403, 404),
    ("PUT", "users/{id}", "abc", 401, 401, 401, 403, 404),
    ("PUT", "users/{id}", "huge", 401, 401, 401, 403, 404),
    ("PATCH", "users/{id}", "owner", 401, 401, 401, 200, 200),
    ("PATCH", "users/{id}", "stranger", 401, 401, 401, 403, 200),
    ("PATCH", "users/{id}", "outsider", 401, 401, 401, 403, 200),
    ("PATCH", "users/{id}", "administrator", 401, 401, 401, 403, 200),
    ("PATCH", "users/{id}", "missing", 401, 401, 401, 403, 404),
    ("PATCH", "users/{id}", "abc", 401, 401, 401, 403, 404),
    ("PATCH", "users/{id}", "huge", 401, 401, 401, 403, 404),
    ("DELETE", "users/{id}", "owner", 401, 401, 401, 403, 204),
    ("DELETE", "users/{id}", "stranger", 401, 401, 401, 403, 204),
    ("DELETE", "users/{id}", "outsider", 401, 401, 401, 403, 204),
    ("DELETE", "users/{id}", "administrator", 401, 401, 401, 403, 204),
    ("DELETE", "users/{id}", "missing", 401, 401, 401, 403, 404),
    ("DELETE", "users/{id}", "abc", 401, 401, 401, 403, 404),
    ("DELETE", "users/{id}", "huge", 401, 401, 401, 403, 404),
    ("POST", "users/{id}/sign_out", "owner", 401, 401, 401, 204, 204),
    ("POST", "users/{id}/sign_out", "stranger", 401, 401, 401, 403, 204),
    ("POST", "users/{id}/sign_out", "outsider", 401, 401, 401, 403, 204),
    ("POST", "users/{id}/sign_out", "administrator", 401, 401, 401, 403, 204),
    ("POST", "users/{id}/sign_out", "missing", 401, 401, 401, 403, 404),
    ("POST", "users/{id}/sign_out", "abc", 401, 401, 401, 403, 404),
    ("POST", "users/{id}/sign_out", "huge", 401, 401, 401, 403, 404),
    ("GET", "users/{id}/events", "owner", 401, 401, 401, 200, 200),
    ("GET", "users/{id}/events", "stranger", 401, 401, 401, 403, 200),
    ("GET", "users/{id}/events", "outsider", 401, 401, 401, 403, 200),
    ("GET", "users/{id}/events", "administrator", 401, 401, 401, 403, 200),
    ("GET", "users/{id}/events", "missing", 401, 401, 401, 403, 404),
    ("GET", "users/{id}/events", "abc", 401, 401, 401, 403, 404),
    ("GET", "users/{id}/events", "huge", 401, 401, 401, 403, 404),
    ("GET", "events", "", 401, 401, 401, 403, 200),
    ("POST", "users/{id}/invitation", "invited", 401, 401, 401, 403, 202),
    ("POST", "users/{id}/invitation", "stranger", 401, 401, 401, 403, 422),
    ("POST", "users/{id}/invitation", "missing", 401, 401, 401, 403, 404),
    ("POST", "users/{id}/invitation", "abc", 401, 401, 401, 403, 404),
    ("POST", "users/{id}/invitation", "huge", 401, 401, 401, 403, 404),
    ("POST", "users/{id}/verification", "owner", 401, 401, 401, 202, 202),
    ("POST", "users/{id}/verification", "stranger", 401, 401, 401, 403, 202),
    ("POST", "users/{id}/verification", "outsider", 401, 401, 401, 403, 202),
    ("POST", "users/{id}/verification", "administrator", 401, 401, 401, 403, 202),
    ("POST", "users/{id}/verification", "missing", 401, 401, 401, 403, 404),
    ("POST", "users/{id}/verification", "abc", 401, 401, 401, 403, 404),
    ("POST", "users/{id}/verification", "huge", 401, 401, 401, 403, 404),
    ("GET", "clients", "", 401, 401, 401, 403, 200),
    ("POST", "clients", "", 401, 401, 401, 403, 201),
    ("GET", "clients/{id}", "acme", 401, 401, 401, 200, 200),
    ("GET", "clients/{id}", "globex", 401, 401, 401, 403, 200),
    ("GET", "clients/{id}", "missing", 401, 401, 401, 403, 404),
    ("GET", "clients/{id}", "abc", 401, 401, 401, 403, 404),
    ("GET", "clients/{id}", "huge", 401, 401, 401, 403, 404),
    ("PUT", "clients/{id}", "acme", 401, 401, 401, 403, 200),
    ("PUT", "clients/{id}", "globex", 401, 401, 401, 403, 200),
    ("PUT", "clients/{id}", "missing", 401, 401, 401, 403, 404),
    ("PUT", "clients/{id}", "abc", 401, 401, 401, 403, 404),
    ("PUT", "clients/{id}", "huge", 401, 401, 401, 403, 404),
    ("PATCH", "clients/{id}", "acme", 401, 401, 401, 403, 200),
    ("PATCH", "clients/{id}", "globex", 401, 401, 401, 403, 200),
    ("PATCH", "clients/{id}", "missing", 401, 401, 401, 403, 404),
    ("PATCH", "clients/{id}", "abc", 401, 401, 401, 403, 404),
    ("PATCH", "clients/{id}", "huge", 401, 401, 401, 403, 404),
    ("DELETE", "clients/{id}", "acme", 401, 401, 401, 403, 422),
    ("DELETE", "clients/{id}", "unused", 401, 401, 401, 403, 204),
    ("DELETE", "clients/{id}", "missing", 401, 401, 401, 403, 404),
    ("DELETE", "clients/{id}", "abc", 401, 401, 401, 403, 404),
    ("DELETE", "clients/{id}", "huge", 401, 401, 401, 403, 404),
]
NO_NUMBERS = {
    "missing": "987654321",
    "abc": "abc",
    "zero": "0",
    "negative": "-1",
    "padded": "01",
    "huge": "99999999999999999999",
}
WITH_BODY = ("POST", "PUT", "PATCH")
WITHOUT_BODY = ("users/{id}/sign_out", "users/{id}/invitation", "users/{id}/verification")


class Row(NamedTuple):
    method: str
    route: str
    target: str
    actor: str
    status: int


ROWS = [
    Row(method, route, target, actor, status)
    for method, route, target, *statuses in TABLE
    for actor, status in zip(ACTORS, statuses, strict=True)
]
TAKING_BODIES = [
    row for row in ROWS if row.method in WITH_BODY and row.route not in WITHOUT_BODY and row.actor != "forger"
]


def each(rows: list[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=lambda row: " ".join(filter(None, row[:4])))


def a_body(route: str, cast: SimpleNamespace) -> dict[str, Any]:
    """What the call accepts."""
    match route:
        case "auth/token":
            return {"email": "olga@example.com", "password": PASSWORD}
        case "auth/token/refresh" | "auth/token/revoke":
            return {"refresh": tokens_of(cast.owner).refresh}
        case "auth/token/verify":
            return {"token": tokens_of(cast.owner).access}
        case "auth/password/reset":
            return {"email": "olga@example.com"}
        case "auth/password/reset/confirm":
            token = one_time_tokens.issue(user=cast.owner, purpose=Purpose.PASSWORD_RESET)
            return {"token": token, "password": "securepassword", "password_confirmation": "securepassword"}
        case "auth/email/verify":
            return {"token": one_time_tokens.issue(user=cast.owner, purpose=Purpose.EMAIL_VERIFICATION)}
        case "users":
            return {
                "name": "New",
                "email": "new@example.com",
                "password": "securepassword",
                "password_confirmation": "securepassword",
                "client_id": cast.acme.pk,
            }
        case "users/bulk":
            return {"users": [a_body("users", cast)]}
        case _:
            return {"name": "Renamed"}


def an_invalid_body() -> dict[str, Any]:
    """What the call answers with 422."""
    return dict.fromkeys(("name", "email", "password", "refresh", "token"), 7)


def path_of(row: Row, cast: SimpleNamespace) -> str:
    if row.target == "unused":
        return f"/clients/{Client.objects.create(name='Unused').pk}"
    if row.target == "invited":
        return f"/users/{UserFactory(password='!').pk}/invitation"
    if row.target == "token":
        return f"/tokens/{api_token_of(cast.owner)[0].pk}"
    number = NO_NUMBERS.get(row.target) or getattr(getattr(cast, row.target, None), "pk", "")
    return "/" + row.route.format(id=number)


def call_as(actor: str, cast: SimpleNamespace) -> Any:
    if actor == "nobody":
        return caller()
    if actor == "forger":
        client = caller()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens_of(cast.administrator).access[:-4]}AAAA")
        return client
    return caller(getattr(cast, actor))


@each(ROWS)
def test_each_caller_gets_what_the_table_says(cast, row):
    client, path = call_as(row.actor, cast), path_of(row, cast)
    body = json.dumps(a_body(row.route, cast)) if row.method in WITH_BODY else ""
    before = everything()

    answer = client.generic(row.method, path, data=body, content_type=JSON)

    assert answer.status_code == row.status
    if row.status in ERRORS:
        assert answer.json() == ERRORS[row.status]
        assert everything()[:2] == before[:2]
    if row.status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    if row.status == 404:
        assert answer.json() == {"error": NOT_FOUND[row.route.partition("/")[0]]}


@each(TAKING_BODIES)
def test_values_are_judged_after_who_asks_and_whom_it_is_about(cast, row):
    before = everything()[:2]

    answer = call_as(row.actor, cast).generic(
        row.method, path_of(row, cast), data=json.dumps(an_invalid_body()), content_type=JSON
    )

    assert answer.status_code == (row.status if row.status in (401, 403, 404) else 422)
    assert ("errors" in answer.json()) is (row.status not in (401, 403, 404))
    assert everything()[:2] == before


@each([row for row in TAKING_BODIES if row.status in ERRORS])
def test_a_body_is_not_even_read_for_those_who_may_not_call(cast, row):
    answer = call_as(row.actor, cast).generic(row.method, path_of(row, cast), data="{not JSON", content_type=JSON)

    assert (answer.status_code, answer.json()) == (row.status, ERRORS[row.status])


def test_the_table_has_every_route_and_method_of_the_contract():
    routes = {
        (method.upper(), re.sub(r"<str:(\w+)>", r"{\1}", str(pattern.pattern)))
        for pattern in NATIVE.urls
        for method in pattern.callback.actions
        if method != "head"  # Django REST framework adds it to whatever has GET
    }

    assert routes == {(method, route) for method, route, *_ in TABLE}


def test_an_administrator_of_no_client_is_told_of_every_client_and_a_user_of_the_own_one_only(cast, call):
    assert call(cast.administrator).get(f"/clients/{cast.globex.pk}").json() == {"id": cast.globex.pk, "name": "Globex"}
    assert call(cast.owner).get(f"/clients/{cast.acme.pk}").json() == {"id": cast.acme.pk, "name": "Acme"}


def test_a_user_who_becomes_an_administrator_may_what_administrators_may(cast, call):
    promoted = call(cast.administrator).patch(f"/users/{cast.owner.pk}", {"client_id": None})
    assert promoted.json()["client"] is None
    cast.owner.refresh_from_db()

    assert call(cast.owner).get("/users").json()["meta"]["pagination"]["total_count"] == User.objects.count()


@pytest.mark.parametrize("field", ["client_id", "active"])
def test_a_user_may_send_back_what_only_administrators_set(cast, call, field):
    present = {"client_id": cast.acme.pk, "active": True}[field]

    answer = call(cast.owner).patch("/users/current", {"name": "Olga", field: present})

    assert answer.status_code == 200
    assert answer.json()["name"] == "Olga"
