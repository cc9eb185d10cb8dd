"""The table of native contract 6, row by row, on calls as they are made."""

import pytest
from django.db import OperationalError, connection
from rest_framework.exceptions import Throttled

from accounts.api.views import UserViewSet
from accounts.models import Event, User
from accounts.services import events, users
from accounts.tests.callers import tokens_of

EVERYWHERE = [
    ("GET", "/users"),
    ("POST", "/users"),
    ("GET", "/users/current"),
    ("PATCH", "/users/current"),
    ("GET", "/users/{id}"),
    ("PUT", "/users/{id}"),
    ("PATCH", "/users/{id}"),
    ("DELETE", "/users/{id}"),
    ("POST", "/users/{id}/sign_out"),
    ("GET", "/clients"),
    ("POST", "/clients"),
    ("GET", "/clients/{client}"),
    ("PATCH", "/clients/{client}"),
    ("DELETE", "/clients/{client}"),
]
TAKING_BODIES = [
    ("POST", "/auth/token"),
    ("POST", "/auth/token/refresh"),
    ("POST", "/auth/token/revoke"),
    ("POST", "/auth/token/verify"),
    *[(method, path) for method, path in EVERYWHERE if method in ("POST", "PUT", "PATCH") and "sign_out" not in path],
]
JSON = "application/json"
NEW = {
    "name": "New",
    "email": "new@example.com",
    "password": "securepassword",
    "password_confirmation": "securepassword",
}


def send(call, cast, method, path, body="", *, content_type=JSON, **headers):
    path = path.format(id=cast.owner.pk, client=cast.acme.pk)
    return call(cast.administrator).generic(method, path, body, content_type=content_type, headers=headers)


def assert_error(answer, status, body):
    """One line of JSON that no cache keeps, of this status."""
    assert (answer.status_code, answer.json()) == (status, body)
    assert answer.headers["Content-Type"] == JSON
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-ID"]


# 400


@pytest.mark.parametrize(("method", "path"), TAKING_BODIES)
def test_400_for_a_body_that_is_no_sound_json_on_every_call(cast, call, method, path):
    assert_error(send(call, cast, method, path, "{"), 400, {"error": "The request body is not valid JSON."})


def test_400_for_an_unknown_host(cast, call):
    assert_error(
        call(cast.administrator).get("/users", headers={"Host": "elsewhere.example"}),
        400,
        {"error": "The request is malformed."},
    )


# 401 and 403


@pytest.mark.parametrize(("method", "path"), EVERYWHERE)
def test_401_tells_to_sign_in_and_how(cast, call, method, path):
    answer = call().generic(method, path.format(id=cast.owner.pk, client=cast.acme.pk))

    assert_error(answer, 401, {"error": "You need to sign in or sign up before continuing."})
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), [row for row in EVERYWHERE if "current" not in row[1]])
def test_403_tells_that_one_may_not(cast, call, method, path):
    answer = call(cast.outsider).generic(method, path.format(id=cast.owner.pk, client=cast.acme.pk))

    assert_error(answer, 403, {"error": "You are not authorized to perform this action."})
    assert "WWW-Authenticate" not in answer.headers


# 404


@pytest.mark.parametrize(("method", "path"), [row for row in EVERYWHERE if "{" in row[1]])
def test_404_names_what_is_not_there(cast, call, method, path):
    client = call(cast.administrator)

    for number in ("987654321", "99999999999999999999", "abc", "0", "-1", "%00", "%F0%9F%A6%84"):
        answer = client.generic(method, path.format(id=number, client=number), "{}", content_type=JSON)

        assert_error(answer, 404, {"error": "Client not found" if "client" in path else "User not found"})


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/users/",
        "/users/1/",
        "/users/current/",
        "/users/1/sign_out/",
        "/users/1/nope",
        "/users/1/2/3",
        "/x//users",
        "/users//",
        "/Users",
        "/clients/",
        "/clients/1/",
        "/auth",
        "/auth/token/",
        "/auth/token/refresh/",
        "/auth/token/nope",
        "/.well-known/",
        "/users%2F1/x",
        "/%00",
        "/%FF",
        "/\u2603",
        "/..;/admin",
    ],
)
def test_404_in_json_for_paths_that_match_nothing_never_a_redirect(cast, call, path):
    client = call(cast.administrator)

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"):
        answer = client.generic(method, path, '{"email": "a", "password": "b"}', content_type=JSON)

        assert_error(answer, 404, {"error": "Not found"})
        assert "Location" not in answer.headers


def test_404_for_an_unknown_path_is_the_same_for_nobody(call):
    assert_error(call().get("/nope"), 404, {"error": "Not found"})


# 405, 406, 413, 415


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/users", "GET, HEAD, POST"),
        ("DELETE", "/users", "GET, HEAD, POST"),
        ("OPTIONS", "/users", "GET, HEAD, POST"),
        ("TRACE", "/users", "GET, HEAD, POST"),
        ("QUERY", "/users", "GET, HEAD, POST"),
        ("{X}", "/users", "GET, HEAD, POST"),
        ("POST", "/users/{id}", "GET, HEAD, PUT, PATCH, DELETE"),
        ("GET", "/users/{id}/sign_out", "POST"),
        ("POST", "/users/current", "GET, HEAD, PUT, PATCH"),
        ("PATCH", "/clients", "GET, HEAD, POST"),
        ("POST", "/clients/{client}", "GET, HEAD, PUT, PATCH, DELETE"),
        ("GET", "/auth/token", "POST"),
        ("DELETE", "/auth/token/refresh", "POST"),
        ("POST", "/.well-known/jwks.json", "GET, HEAD"),
    ],
)
def test_405_names_the_methods_there_are(cast, call, method, path, allowed):
    answer = call(cast.administrator).generic(method, path.replace("{id}", "1").replace("{client}", "1"))

    assert_error(answer, 405, {"error": f'Method "{method}" not allowed.'})
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/vnd.x+json", "image/*", "a/b/c", "x"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/users/current"), ("POST", "/auth/token"), ("GET", "/clients")])
def test_406_where_json_is_not_accepted(cast, call, method, path, accept):
    assert_error(
        send(call, cast, method, path, "{}", Accept=accept),
        406,
        {"error": "Could not satisfy the request Accept header."},
    )


@pytest.mark.parametrize(
    "accept",
    ["application/json", "application/*", "*/*", "text/html, application/json;q=0.9", "application/json; indent=4"],
)
def test_json_is_given_where_it_is_accepted(cast, call, accept):
    answer = send(call, cast, "GET", "/users/current", Accept=accept)

    assert answer.status_code == 200
    assert answer.json()["id"] == cast.administrator.pk


@pytest.mark.parametrize(("method", "path"), TAKING_BODIES)
def test_413_for_a_body_over_one_mebibyte(cast, call, method, path):
    padded = '{"foo": "%s"}'

    answer = send(call, cast, method, path, padded % ("x" * (1024 * 1024 + 1 - len(padded) + 2)))

    assert_error(answer, 413, {"error": "The request body is too large."})


def test_a_body_of_exactly_one_mebibyte_is_read(cast, call):
    body = '{"name": "Renamed", "foo": "'
    body += "x" * (1024 * 1024 - len(body) - 2) + '"}'
    assert len(body) == 1024 * 1024

    assert send(call, cast, "PATCH", "/users/{id}", body).json()["name"] == "Renamed"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "text/{x}"]
)
@pytest.mark.parametrize(("method", "path"), TAKING_BODIES)
def test_415_for_a_body_that_is_not_called_json(cast, call, method, path, content_type):
    answer = send(call, cast, method, path, "name=x", content_type=content_type)

    assert_error(answer, 415, {"error": f'Unsupported media type "{content_type}" in request.'})


@pytest.mark.parametrize(
    "content_type", ["", "multipart/form-data; boundary=x", "application/json-patch+json", ";", "/"]
)
def test_415_for_other_media_types_and_none(cast, call, content_type):
    answer = send(call, cast, "POST", "/users", '{"name": "x"}', content_type=content_type)

    assert_error(answer, 415, {"error": f'Unsupported media type "{content_type}" in request.'})
    assert User.objects.count() == 6


# 412


def test_412_tells_the_current_tag(cast, call):
    answer = send(call, cast, "PATCH", "/users/{id}", '{"name": "x"}', **{"If-Match": '"9"'})

    assert_error(answer, 412, {"error": "The object has changed since you read it."})
    assert answer.headers["ETag"] == '"1"'


# 422


def test_422_maps_each_field_to_an_array(cast, call):
    answer = call(cast.administrator).post(
        "/users", NEW | {"email": "olga@example.com", "password": "short", "password_confirmation": "other"}
    )

    assert_error(
        answer,
        422,
        {
            "errors": {
                "email": ["has already been taken"],
                "password": ["is too short (minimum is 8 characters)"],
                "password_confirmation": ["doesn't match Password"],
            }
        },
    )


def test_422_of_whoever_lost_the_race_for_an_email_is_that_of_the_check(cast, call, monkeypatch):
    from accounts.services import checks

    monkeypatch.setattr(checks, "taken", lambda sent, user: [])  # it was free when it was looked up

    created = call(cast.administrator).post("/users", NEW | {"email": "OLGA@example.com"})
    updated = call(cast.administrator).patch(f"/users/{cast.stranger.pk}", {"email": "Olga@example.com"})

    for answer in (created, updated):
        assert_error(answer, 422, {"errors": {"email": ["has already been taken"]}})
    assert User.objects.count() == 6


# 429


@pytest.mark.parametrize(("wait", "seconds"), [(0.2, "1"), (41.2, "42"), (None, "1"), (3600, "3600")])
def test_429_tells_in_whole_seconds_when_to_try_again(cast, call, monkeypatch, wait, seconds):
    def throttled(view, request):
        raise Throttled(wait=wait)

    monkeypatch.setattr(UserViewSet, "check_throttles", throttled)

    answer = call(cast.administrator).get("/users/current")

    assert_error(answer, 429, {"error": f"Too many requests. Try again in {seconds} seconds."})
    assert answer.headers["Retry-After"] == seconds


# 500 and 503


@pytest.fixture
def database_away(cast, call, monkeypatch):
    """Call `database_away()` and every query fails, as when the server is gone."""

    def away():
        def fail(*args):
            raise OperationalError("connection to server at 10.0.0.7 failed: password secret42")

        connection.execute_wrappers.append(fail)

    yield away
    connection.execute_wrappers.clear()


@pytest.mark.parametrize(("method", "path"), [*EVERYWHERE, *TAKING_BODIES[1:4]])
def test_503_when_the_database_is_away(cast, call, database_away, method, path):
    client, tokens = call(cast.administrator), tokens_of(cast.owner)
    body = f'{{"refresh": "{tokens.refresh}", "token": "{tokens.access}"}}'
    database_away()

    answer = client.generic(method, path.format(id=cast.owner.pk, client=cast.acme.pk), body, content_type=JSON)

    assert_error(answer, 503, {"error": "The service is temporarily unavailable."})
    assert answer.headers["Retry-After"] == "1"


def test_503_when_the_database_is_away_at_a_sign_in(cast, call, database_away):
    database_away()

    answer = call().post("/auth/token", {"email": "olga@example.com", "password": "x"})

    assert_error(answer, 503, {"error": "The service is temporarily unavailable."})


def test_503_when_the_database_goes_away_while_a_refusal_is_noted(cast, call, monkeypatch):
    client = call(cast.owner)

    def fail(entries):
        raise OperationalError("gone")

    monkeypatch.setattr("usermgmt.audit._writers", [fail])

    assert_error(client.post("/users", NEW), 503, {"error": "The service is temporarily unavailable."})


def test_500_in_json_without_a_trace(cast, call, monkeypatch):
    def broken(**arguments):
        raise RuntimeError("secret42 at line 7")

    monkeypatch.setattr(users, "create", broken)

    answer = call(cast.administrator).post("/users", NEW)

    assert_error(answer, 500, {"error": "An unexpected error occurred."})


def test_500_is_in_json_also_outside_of_views(cast, call, monkeypatch):
    def broken(request):
        raise RuntimeError("secret42")

    monkeypatch.setattr(
        "django.middleware.security.SecurityMiddleware.process_request", lambda self, request: broken(request)
    )

    assert_error(call(cast.administrator).get("/users"), 500, {"error": "An unexpected error occurred."})


def test_a_write_that_fails_half_way_leaves_nothing(cast, call, monkeypatch):
    def fail(entries):
        raise RuntimeError("the audit trail is full")

    client = call(cast.administrator)
    monkeypatch.setattr("usermgmt.audit._writers", [fail])
    monkeypatch.setattr(events, "row_of", lambda entry: Event(action=None))  # which the database refuses

    for method, path, body in [
        ("post", "/users", NEW),
        ("patch", f"/users/{cast.owner.pk}", {"name": "Renamed"}),
        ("delete", f"/users/{cast.owner.pk}", {}),
        ("post", f"/users/{cast.owner.pk}/sign_out", {}),
        ("post", "/clients", {"name": "New"}),
    ]:
        assert_error(getattr(client, method)(path, body), 500, {"error": "An unexpected error occurred."})
    assert list(User.objects.values_list("name", "token_version").order_by("id")) == [
        ("Ada Administrator", 1),
        ("Sam Spare", 1),
        ("Olga Owner", 1),
        ("Stan Stranger", 1),
        ("Otto Outsider", 1),
        ("Dora Disabled", 1),
    ]
    assert type(cast.acme).objects.count() == 2


# Every answer


@pytest.mark.parametrize("sent", ["abc-123", "A.b_C-9", "x" * 64])
@pytest.mark.parametrize("path", ["/users/current", "/nope", "/users/abc", "/livez"])
def test_the_request_id_comes_back(cast, call, path, sent):
    assert send(call, cast, "GET", path, **{"X-Request-ID": sent}).headers["X-Request-ID"] == sent


@pytest.mark.parametrize("sent", [None, "", "x" * 65, "a b", "a\tb", "é", "<script>", "a;b", "{0}"])
def test_a_request_id_that_is_none_is_replaced(cast, call, sent):
    answer = send(call, cast, "GET", "/users/current", **({} if sent is None else {"X-Request-ID": sent}))

    assert answer.headers["X-Request-ID"] != sent
    assert len(answer.headers["X-Request-ID"]) == 36
