"""Who may call what: one table over the five calls and every kind of caller (contract 0, 6, 8.15 and 8.16)."""

import json

import pytest
import time_machine

from accounts.tests.callers import caller
from accounts.tests.rows import everything
from usermgmt.dialects.resource.tests.shapes import FORBIDDEN, NOT_FOUND, UNAUTHORIZED, refusal_of, user_of

BODIES = {401: UNAUTHORIZED, 403: FORBIDDEN, 404: NOT_FOUND}
NEW = {"firstName": "New", "lastName": "Name", "contactEmail": "new@example.com"}
# Owner: of the record, or of another one. Bound: an administrator's API token for Acme. Reader: one that is
# read-only. Late: an administrator who must change the password.
ACTORS = ("owner", "administrator", "token", "bound", "reader", "late")
TABLE = [
    ("GET", "", 403, 200, 200, 200, 200, 403),
    ("POST", "", 403, 201, 201, 201, 403, 403),
    ("GET", "owner", 200, 200, 200, 200, 200, 403),
    ("GET", "stranger", 403, 200, 200, 200, 200, 403),
    ("GET", "outsider", 403, 200, 200, 404, 200, 403),
    ("GET", "disabled", 403, 200, 200, 200, 200, 403),
    ("GET", "spare", 403, 200, 200, 404, 200, 403),
    ("GET", "missing", 403, 404, 404, 404, 404, 403),
    ("GET", "abc", 403, 400, 400, 400, 400, 403),
    ("PATCH", "owner", 200, 200, 200, 200, 403, 403),
    ("PATCH", "stranger", 403, 200, 200, 200, 403, 403),
    ("PATCH", "outsider", 403, 200, 200, 404, 403, 403),
    ("PATCH", "disabled", 403, 200, 200, 200, 403, 403),
    ("PATCH", "spare", 403, 200, 200, 404, 403, 403),
    ("PATCH", "missing", 403, 404, 404, 404, 403, 403),
    ("PATCH", "abc", 403, 400, 400, 400, 403, 403),
    ("DELETE", "owner", 403, 204, 204, 204, 403, 403),
    ("DELETE", "stranger", 403, 204, 204, 204, 403, 403),
    ("DELETE", "outsider", 403, 204, 204, 404, 403, 403),
    ("DELETE", "disabled", 403, 204, 204, 204, 403, 403),
    ("DELETE", "spare", 403, 204, 204, 404, 403, 403),
    ("DELETE", "missing", 403, 404, 404, 404, 403, 403),
    ("DELETE", "abc", 403, 400, 400, 400, 403, 403),
]
CELLS = [
    ((method, target), actor, status)
    for method, target, *statuses in TABLE
    for actor, status in zip(ACTORS, statuses, strict=True)
]
CALLS = [("GET", ""), ("POST", ""), *((method, "owner") for method in ("GET", "PATCH", "DELETE"))]


@pytest.fixture
def callers(cast, call, by_token):
    """A client for each actor, made when asked for."""

    def made(actor):
        match actor:
            case "token":
                return by_token(cast.administrator)
            case "bound":
                return by_token(cast.administrator, client=cast.acme)
            case "reader":
                return by_token(cast.administrator, read_only=True)
            case "late":
                type(cast.spare).objects.filter(pk=cast.spare.pk).update(must_change_password=True)
                return call(cast.spare)
            case _:
                return call(getattr(cast, actor))

    return made


def path_of(cast, target):
    numbers = {"missing": 987654321, "abc": "abc"}
    if not target:
        return "/v1/users"
    return f"/v1/users/{numbers[target] if target in numbers else getattr(cast, target).pk}"


def send(client, method, path, body):
    return client.generic(method, path, data=body, content_type="application/json")


@pytest.mark.parametrize(("called", "actor", "status"), CELLS)
def test_each_caller_gets_what_the_table_says(cast, callers, called, actor, status):
    (method, target), client = called, callers(actor)
    body = {"POST": NEW, "PATCH": {"firstName": "Changed"}}.get(method)
    before = everything()[:2]

    answer = send(client, method, path_of(cast, target), "" if body is None else json.dumps(body))

    assert answer.status_code == status
    if status in BODIES:
        assert refusal_of(answer) == (status, BODIES[status])
    if status >= 400 or method == "GET":
        assert everything()[:2] == before
    elif method != "DELETE":
        assert user_of(answer, status)["firstName"] == body["firstName"]


@pytest.mark.parametrize("target", ["stranger", "missing", "abc", "9" * 5000])
@pytest.mark.parametrize("method", ["PATCH", "POST"])
@pytest.mark.parametrize("body", ["{}", "{not JSON", '{"firstName": ""}', "[]"])
def test_whoever_may_not_is_told_so_before_anything_is_read_or_found(cast, call, method, target, body):
    target = cast.stranger.pk if target == "stranger" else target
    path = "/v1/users" if method == "POST" else f"/v1/users/{target}"
    assert refusal_of(send(call(cast.owner), method, path, body)) == (403, FORBIDDEN)


def test_a_regular_user_s_own_address_is_theirs_to_change_but_no_token_s(cast, call, by_token):
    path, body = f"/v1/users/{cast.owner.pk}", {"contactEmail": "olha@example.com"}
    assert refusal_of(by_token(cast.owner).patch(path, body)) == (403, FORBIDDEN)
    assert user_of(call(cast.owner).patch(path, body))["contactEmail"] == "olha@example.com"


def test_a_token_bound_to_a_client_makes_users_of_that_client(cast, callers):
    made = user_of(callers("bound").post("/v1/users", NEW), 201)
    assert type(cast.owner).objects.get(pk=made["userId"]).client == cast.acme
    assert [user["userId"] for user in callers("bound").get("/v1/users").json()["users"]] == [
        cast.owner.pk,
        cast.stranger.pk,
        cast.disabled.pk,
        made["userId"],
    ]


HEADERS = {
    "none": None,
    "empty": "",
    "no token": "Bearer",
    "no scheme": "{token}",
    "another scheme": "Basic {token}",
    "Token": "Token {token}",
    "dead": "Bearer dead",
    "cut": "Bearer {token}x",
    "two": "Bearer {token} {token}",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize(("method", "target"), CALLS)
def test_without_a_sound_token_each_call_is_401_before_anything_else(cast, call, header, method, target):
    sound = call(cast.administrator)._credentials["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    client = caller()
    if header is not None:
        client.credentials(HTTP_AUTHORIZATION=header.format(token=sound))
    before = everything()[:2]
    for path in (path_of(cast, target), path_of(cast, "missing"), path_of(cast, "abc")):
        place = path if target else "/v1/users?_page=x"
        answer = send(client, method, place, "{not JSON")
        assert refusal_of(answer) == (401, UNAUTHORIZED)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert everything()[:2] == before


@pytest.mark.parametrize(("method", "target"), CALLS)
def test_an_expired_token_and_one_of_whoever_is_disabled_are_401(cast, call, method, target):
    with time_machine.travel("2020-01-01"):
        expired = call(cast.administrator)
    for client in (expired, call(cast.disabled)):
        assert refusal_of(send(client, method, path_of(cast, target), "{}")) == (401, UNAUTHORIZED)
