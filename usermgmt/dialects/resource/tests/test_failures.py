"""What fails in a view, before one, or finds none, in the contract's shape (contract 4 and 8.19)."""

import json

import pytest
from django.db import OperationalError, connection

from usermgmt.dialects.resource import views
from usermgmt.dialects.resource.tests.shapes import JOHN, NOT_FOUND, SERVER_ERROR, invalid, refusal_of, user_of
from usermgmt.http.logs import JSONFormatter
from usermgmt.http.parsers import MAX_BODY_BYTES

GIVEN = "req-f8d31a62-e789-4856-9452-5efa50223c7a"


@pytest.fixture
def client(cast, call):
    return call(cast.administrator)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{not JSON", "The request body is not valid JSON."),
        ("", None),
        ("[]", "The request body must be a JSON object."),
        ("null", "The request body must be a JSON object."),
        ('"John"', "The request body must be a JSON object."),
        ('{"firstName": "a", "firstName": "b"}', "The JSON has a duplicate key."),
        ('{"firstName": "\\u0000"}', "The JSON has a NUL character."),
        ('{"firstName": "\\ud800"}', "The JSON has a lone surrogate."),
        ('{"x": NaN}', "The JSON has a number that is not finite."),
        ('{"x": ' + "[" * 40 + "]" * 40 + "}", "The JSON is nested deeper than 32 levels."),
        (b'{"firstName": "\xff"}', "The request body must be UTF-8."),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_body_that_is_no_sound_json_object_is_refused_without_details(client, body, message):
    answer = client.generic("POST", "/v1/users", data=body, content_type="application/json")
    if message is None:
        assert refusal_of(answer)[1]["code"] == "MISSING_REQUIRED_FIELD"
    else:
        assert refusal_of(answer) == invalid(message)


def test_a_body_that_is_too_large_or_of_another_type_is_refused(client):
    large = client.post("/v1/users", JOHN | {"x": "x" * MAX_BODY_BYTES})
    form = client.post("/v1/users", "a=b", content_type="application/x-www-form-urlencoded")
    assert refusal_of(large) == (413, invalid("The request body is too large.")[1])
    unsupported = 'Unsupported media type "application/x-www-form-urlencoded" in request.'
    assert refusal_of(form) == (415, invalid(unsupported)[1])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/users/1", "GET, HEAD, PATCH, DELETE"),
        ("POST", "/v1/users/1", "GET, HEAD, PATCH, DELETE"),
        ("DELETE", "/v1/users", "GET, HEAD, POST"),
        ("PUT", "/v1/users", "GET, HEAD, POST"),
    ],
)
def test_a_method_that_there_is_not_is_405(client, method, path, allowed):
    answer = client.generic(method, path)
    assert refusal_of(answer) == (405, invalid(f'Method "{method}" not allowed.')[1])
    assert set(answer["Allow"].split(", ")) <= set(allowed.split(", "))


@pytest.mark.parametrize("path", ["/v1/", "/v1/nope", "/v1/users/", "/v1/users/1/", "/v1/users/1/tasks", "/v1/USERS"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_path_that_there_is_not_is_404(client, method, path):
    assert refusal_of(client.generic(method, path)) == (404, NOT_FOUND)


def test_the_native_contract_beside_it_answers_in_its_own_shape(client):
    answer = client.get("/users/999999")
    assert (answer.status_code, answer.json()) == (404, {"error": "User not found"})
    assert client.get("/v1").json() == {"error": "Not found"}


def broken(user):
    raise RuntimeError("secret words")


def away(execute, sql, params, many, context):
    raise OperationalError("server closed the connection unexpectedly")


def test_a_mistake_of_ours_is_told_without_a_trace(client, cast, monkeypatch):
    monkeypatch.setattr(views, "to_user", broken)
    answer = client.get(f"/v1/users/{cast.owner.pk}")
    assert refusal_of(answer) == (500, SERVER_ERROR)
    assert b"secret words" not in answer.content


def test_a_database_that_is_away_is_told_in_this_shape(client, cast):
    with connection.execute_wrapper(away):
        answer = client.get(f"/v1/users/{cast.owner.pk}")
    assert refusal_of(answer) == (503, SERVER_ERROR)
    assert answer["Retry-After"] == "1"


def test_what_fails_before_a_view_is_told_in_this_shape(client, settings):
    settings.ALLOWED_HOSTS = ["directory.example.com"]
    answer = client.get("/v1/users", HTTP_HOST="elsewhere.example.com")
    assert refusal_of(answer) == invalid("The request is malformed.")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (GIVEN, True),
        ("", False),
        ("abc", False),
        (GIVEN.removeprefix("req-"), False),
        (GIVEN.upper(), False),
        (f"{GIVEN}x", False),
        ("req-" + "-" * 36, False),
    ],
)
def test_the_id_of_a_request_is_one_in_body_header_and_log(client, caplog, sent, kept):
    with caplog.at_level("INFO", "usermgmt.access"):
        answer = client.get("/v1/users/999999", headers={"X-Request-ID": sent})
    assert refusal_of(answer) == (404, NOT_FOUND)  # which compares body and header
    (record,) = [record for record in caplog.records if record.name == "usermgmt.access"]
    line = json.loads(JSONFormatter().format(record))
    assert (line["request_id"], line["contract"]) == (answer["X-Request-ID"], "resource")
    assert (answer["X-Request-ID"] == sent) is kept


def test_an_answer_that_is_no_refusal_has_an_id_in_its_header_only(client, cast):
    answer = client.get(f"/v1/users/{cast.owner.pk}", headers={"X-Request-ID": GIVEN})
    assert "requestId" not in user_of(answer)
    assert answer["X-Request-ID"] == GIVEN
