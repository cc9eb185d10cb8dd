"""The envelope: what every answer has in common, whatever fails and wherever (contract 1 and 7)."""

import json

import pytest
import time_machine
from django.db import OperationalError
from django.test import Client as Browser
from django.utils import timezone

from accounts.grants import Grant
from accounts.models import User
from accounts.services import users
from accounts.tests.callers import caller
from accounts.tests.test_bad_input import REFUSED
from usermgmt.dialects.rocketchat.sessions import SessionViewSet
from usermgmt.dialects.rocketchat.tests.bodies import GOOD, PATH, create
from usermgmt.dialects.rocketchat.tests.callers import (
    JSON,
    LOGGED_OUT,
    MUST_CHANGE,
    NOT_PERMITTED,
    allow,
    logged_in,
    nothing_made,
    told,
)
from usermgmt.dialects.rocketchat.urls import contract

NO_ENDPOINT = {
    "status": "error",
    "message": "API endpoint does not exist.",
    "success": False,
    "error": "API endpoint does not exist.",
}


def failed(message):
    return {"success": False, "error": message}


# What this is


@pytest.mark.parametrize("query", ["", "?", "?format=xml&x=1"])
def test_anybody_learns_what_this_is(db, query):
    assert told(caller().get(f"/api/info{query}")) == (200, {"version": "7.0", "success": True})


def test_what_this_is_is_told_by_this_contract_in_all(db, cast):
    assert told(caller().post("/api/info", {})) == (405, NO_ENDPOINT)
    # The headers of a caller are not looked at, not even wrong ones.
    client = caller()
    client.credentials(HTTP_X_AUTH_TOKEN="x")
    assert client.get("/api/info").status_code == 200


# Paths and methods that there are not


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/",
        "/api/v1/nope",
        "/api/v1/login/",
        "/api/v1/login.json",
        "/api/v1/users.create/",
        "/api/v1/users.create.json",
        "/api/v1/users_create",
        "/api/v1/users",
        "/api/v1/Login",
        "/api/v1/me/1",
        "/api/v1//me",
        "/api/v1/%00",
        "/api/v1/\xff",
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_a_path_that_there_is_not(cast, path, method):
    assert told(getattr(logged_in(cast.administrator), method)(path)) == (404, NO_ENDPOINT)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v1/login", "POST"),
        ("PUT", "/api/v1/login", "POST"),
        ("GET", "/api/v1/users.create", "POST"),
        ("OPTIONS", "/api/v1/users.create", "POST"),
        ("DELETE", "/api/v1/logout", "GET, HEAD, POST"),
        ("POST", "/api/v1/me", "GET, HEAD"),
        ("PATCH", "/api/v1/me", "GET, HEAD"),
    ],
)
def test_a_method_that_there_is_not(cast, method, path, allowed):
    answer = logged_in(cast.administrator).generic(method, path)
    assert told(answer) == (405, NO_ENDPOINT)
    assert set(answer.headers["Allow"].split(", ")) == set(allowed.split(", "))


def test_the_prefix_alone_is_not_all_of_the_api(db):
    for path in ("/api/v2/me", "/api/v1"):  # the forms contract's, whose prefix is shorter
        assert caller().get(path).json() == {"errors": {"base": ["Not found"]}}


def test_head_is_get_without_a_body(cast):
    answer = logged_in(cast.owner).head("/api/v1/me")
    assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, JSON, b"")


# Bodies


@pytest.mark.parametrize("what", [name for name, (_, message) in REFUSED.items() if "object" not in message])
@pytest.mark.parametrize("path", ["/api/v1/login", PATH])
def test_a_body_that_the_gate_refuses(cast, path, what):
    body, message = REFUSED[what]
    client = logged_in(cast.administrator)
    with nothing_made():
        answer = client.generic("POST", path, body, content_type=JSON)
    assert told(answer) == (400, failed(message))


@pytest.mark.parametrize("what", [name for name, (_, message) in REFUSED.items() if "object" in message])
@pytest.mark.parametrize("path", ["/api/v1/login", PATH])
def test_a_body_that_is_no_object(cast, path, what):
    answer = logged_in(cast.administrator).generic("POST", path, REFUSED[what][0], content_type=JSON)
    assert told(answer) == (400, {**failed("must be object [invalid-params]"), "errorType": "invalid-params"})


def test_a_body_over_a_megabyte(cast):
    body = json.dumps({**GOOD, "bio": "x" * 1024 * 1024})
    client = logged_in(cast.administrator)
    for path in ("/api/v1/login", PATH):
        with nothing_made():
            answer = client.generic("POST", path, body, content_type=JSON)
        assert told(answer) == (413, failed("The request body is too large."))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", "user=olga&password=x"),
        ("multipart/form-data; boundary=x", "--x\r\n\r\n--x--"),
        ("text/plain", "{}"),
        ("application/xml", "<a/>"),
        ("nonsense", "{}"),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/login", PATH])
def test_a_body_of_another_kind(cast, path, content_type, body):
    client = logged_in(cast.administrator)
    with nothing_made():
        answer = client.generic("POST", path, body, content_type=content_type)
    assert told(answer) == (400, failed(f'Unsupported media type "{content_type}" in request.'))


@pytest.mark.parametrize("content_type", ["", JSON, "text/plain", "application/x-www-form-urlencoded"])
def test_no_body_at_all_is_an_empty_object(cast, content_type):
    answer = logged_in(cast.administrator).generic("POST", PATH, b"", content_type=content_type)
    assert told(answer)[1]["error"] == "must have required property 'email' [invalid-params]"


# Answers of all kinds are JSON, whatever is accepted


@pytest.mark.parametrize(
    "accept", ["text/html", "text/html,application/xhtml+xml,*/*;q=0.8", "application/xml", "x", ""]
)
def test_every_answer_is_json_whatever_is_accepted(cast, accept):
    client = logged_in(cast.administrator)
    answers = {
        200: client.get("/api/v1/me", HTTP_ACCEPT=accept),
        400: client.post(PATH, {}, HTTP_ACCEPT=accept),
        401: caller().get("/api/v1/me", HTTP_ACCEPT=accept),
        404: client.get("/api/v1/nope", HTTP_ACCEPT=accept),
        405: client.get("/api/v1/login", HTTP_ACCEPT=accept),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == JSON
        assert "success" in answer.json()
        assert answer.headers["Cache-Control"] == "no-store"


def test_what_fails_before_a_view_is_told_in_this_shape(db, settings):
    settings.ALLOWED_HOSTS = ["directory.example.com"]
    for path in ("/api/v1/me", "/api/v1/nope", "/api/info"):
        answer = caller().get(path, HTTP_HOST="elsewhere.example.com")
        assert told(answer) == (400, failed("The request is malformed."))


def broken(monkeypatch, error):
    def me(*arguments):
        raise error

    monkeypatch.setattr(SessionViewSet, "me", me)


def test_a_fault_of_ours_tells_nothing_of_itself(cast, monkeypatch):
    broken(monkeypatch, RuntimeError("secret of the house"))
    assert told(logged_in(cast.owner).get("/api/v1/me")) == (500, failed("An unexpected error occurred."))


def test_a_database_that_is_away_is_said_to_be_so(cast, monkeypatch):
    broken(monkeypatch, OperationalError("at 10.0.0.1"))
    answer = logged_in(cast.owner).get("/api/v1/me")
    assert told(answer) == (503, failed("The service is temporarily unavailable."))
    assert answer.headers["Retry-After"] == "1"


def test_a_browser_needs_no_csrf_token_and_gets_no_cookie(cast):
    browser = Browser(enforce_csrf_checks=True)
    answer = browser.post("/api/v1/login", "{}", content_type=JSON)
    assert (answer.status_code, answer.cookies) == (401, {})


def test_numbers_are_told_as_texts_where_they_name_somebody(cast):
    client = logged_in(cast.administrator)
    assert client.get("/api/v1/me").json()["_id"] == str(cast.administrator.pk)
    assert create(client).json()["user"]["_id"].isdigit()


# Who may call, of every call that there is

OPEN = {"login", "users.register"}
ROUTES = sorted(
    (method, str(pattern.pattern))
    for pattern in contract.urls
    for method in pattern.callback.actions
    if method != "head"
)


def test_these_calls_there_are():
    assert {("post", "login"), ("get", "logout"), ("post", "logout"), ("get", "me"), ("post", "users.create")} <= set(
        ROUTES
    )


@pytest.mark.parametrize(("method", "route"), [route for route in ROUTES if route[1] not in OPEN], ids=" ".join)
def test_nobody_and_the_disabled_are_told_to_log_in(cast, method, route):
    forger = caller()
    forger.credentials(HTTP_X_USER_ID=str(cast.administrator.pk), HTTP_X_AUTH_TOKEN="um_" + "x" * 60)
    clients = [caller(), caller(cast.administrator), forger, logged_in(cast.disabled)]
    for client in clients:
        with nothing_made():
            assert told(getattr(client, method)(f"/api/v1/{route}")) == (401, LOGGED_OUT)


@pytest.mark.parametrize(
    ("method", "route"), [route for route in ROUTES if route[1] not in OPEN | {"logout"}], ids=" ".join
)
def test_whoever_must_change_the_password_is_told_so_at_every_other_call(cast, method, route):
    for user in (cast.owner, cast.administrator):
        User.objects.filter(pk=user.pk).update(must_change_password=True)
        client = logged_in(user)
        with nothing_made():
            answer = getattr(client, method)(
                f"/api/v1/{route}",
                {"userId": str(cast.stranger.pk), "data": {"name": "X"}} if method == "post" else None,
            )
        assert told(answer) == (403, MUST_CHANGE)


@pytest.mark.parametrize(
    "route", [route for method, route in ROUTES if method == "post" and route not in OPEN | {"logout"}]
)
def test_a_token_that_only_reads_posts_nothing(cast, route):
    client = logged_in(cast.administrator, kind="api", read_only=True)
    with nothing_made():
        answer = client.post(f"/api/v1/{route}", {"userId": str(cast.stranger.pk)})
    assert told(answer) == (403, NOT_PERMITTED)


def test_a_token_that_only_reads_reads(cast):
    assert logged_in(cast.owner, kind="api", read_only=True).get("/api/v1/me").json()["username"] == "olga"


@pytest.mark.parametrize("kind", ["login", "api"])
def test_a_token_of_a_login_opens_no_native_call_and_one_of_a_program_does(cast, kind):
    token = logged_in(cast.owner, kind=kind)._credentials["HTTP_X_AUTH_TOKEN"]
    native = caller()
    native.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert native.get("/users/current").status_code == (200 if kind == "api" else 401)


# How often


def limits_of(answer):
    return [answer.headers.get(f"X-RateLimit-{name}") for name in ("Limit", "Remaining", "Reset")]


@pytest.fixture
def clock():
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        yield clock


@pytest.mark.usefixtures("counting")
def test_where_a_caller_stands_is_told_on_every_answer_and_then_it_is_too_often(cast, clock, settings):
    settings.API_RATE = (3, 60)
    client = logged_in(cast.owner)
    end = str(int(timezone.now().timestamp() * 1000) + 60_000)
    answers = [client.get("/api/v1/me"), client.get("/api/v1/me"), client.post(PATH, {}), client.get("/api/v1/me")]
    assert [answer.status_code for answer in answers] == [200, 200, 400, 429]
    assert [limits_of(answer) for answer in answers] == [["3", left, end] for left in ("2", "1", "0", "0")]
    assert told(answers[3])[1] == failed(
        "Error, too many requests. Please slow down."
        " You must wait 60 seconds before trying this endpoint again. [error-too-many-requests]"
    )
    assert answers[3].headers["Retry-After"] == "60"
    assert not any(name.startswith("RateLimit") for answer in answers for name in answer.headers)
    clock.shift(60)
    assert client.get("/api/v1/me").status_code == 200


@pytest.mark.usefixtures("counting")
def test_strangers_are_counted_by_their_address(cast, clock, settings):
    settings.API_RATE = (2, 60)
    answers = [caller().get("/api/info"), caller().get("/api/v1/me"), caller().get("/api/info")]
    assert [answer.status_code for answer in answers] == [200, 401, 429]
    assert limits_of(answers[0])[:2] == ["2", "1"]
    assert caller().get("/api/info", REMOTE_ADDR="192.0.2.1").status_code == 200


@pytest.mark.usefixtures("counting")
def test_whoever_need_not_wait_is_not_counted(cast, clock, settings):
    settings.API_RATE = (1, 60)
    for user in (cast.administrator, allow(cast.owner, Grant.UNLIMITED)):
        client = logged_in(user)
        answers = [client.get("/api/v1/me") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200] * 3
        assert limits_of(answers[0]) == [None] * 3
    client = logged_in(allow(cast.stranger, Grant.VIEW, role="viewer"))
    assert [client.get("/api/v1/me").status_code for _ in range(2)] == [200, 429]


def test_without_a_rate_nothing_is_told_of_one(cast):
    assert limits_of(logged_in(cast.owner).get("/api/v1/me")) == [None] * 3


# Scripts of other origins


def test_a_script_reads_the_headers_of_this_contract_and_may_send_its_own(cast, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://chat.example.com"]
    origin = {"HTTP_ORIGIN": "https://chat.example.com"}
    exposed = caller().get("/api/info", **origin).headers["Access-Control-Expose-Headers"].split(", ")
    assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"} <= set(exposed)
    asked = {"HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}
    preflight = caller().options(PATH, **origin, **asked)
    assert {"x-auth-token", "x-user-id", "x-2fa-code"} <= set(
        preflight.headers["Access-Control-Allow-Headers"].split(", ")
    )


def test_a_user_of_another_door_logs_in_here(cast):
    made = users.create(
        actor=cast.administrator, client_id=cast.acme.pk, name="N", email="native@example.com", password="a passphrase"
    )
    answer = caller().post("/api/v1/login", {"user": made.username, "password": "a passphrase"})
    assert answer.json()["data"]["userId"] == str(made.pk)
