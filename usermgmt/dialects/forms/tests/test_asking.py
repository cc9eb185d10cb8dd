"""Which configuration a request names, and its form: what is 406, and what is not (contract 3, 5, 6.4 and 7)."""

import json

import pytest
from django.db import OperationalError, connection

from accounts.models import User
from accounts.tests.rows import everything
from usermgmt.dialects.forms import users as views
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.tests.forms import (
    CLOSE,
    CREATE,
    EXAMPLE,
    OPEN,
    UPDATE,
    asked,
    configured,
    errors_of,
    made,
)
from usermgmt.http.parsers import MAX_BODY_BYTES

WRONG = "Wrong parameters passed: "
NO_CONFIGURATION = {"base": [f"{WRONG}form_configuration_name must be the name of a form configuration for this call"]}
NO_FORM = {"base": [f"{WRONG}form must be an object"]}
NOT_FOUND = {"base": ["Not found"]}
ABSENT = object()

# Of no value is there a name, or a number, of a configuration; none is read as one.
NO_NAMES = [
    ABSENT,
    None,
    "",
    " ",
    "nope",
    "%",
    "_" * 30,
    "reference_rest_api_create_use_",
    f"{CREATE}s",
    f"{CREATE}\n/",
    "\u202ereference",
    "\u0130" * 300,
    "x" * 100_000,
    OPEN,
    CLOSE,
    1,
    1.0,
    True,
    [],
    [CREATE],
    {},
    {"name": CREATE},
]
NO_NUMBERS = [
    None,
    "",
    "abc",
    0,
    -1,
    "0",
    2**63,
    10**400,
    1.0,
    1e300,
    True,
    False,
    [1],
    {"id": 1},
    "1e0",
    "\u0661",
    "+1",
]
NO_FORMS = [ABSENT, None, "", "first_name=x", json.dumps(EXAMPLE), [], [EXAMPLE], 0, 1, True]


def sent(client, body, *, path="/api/users", method="POST", content_type="application/json"):
    """The answer to those bytes, which changed nothing if it is no success."""
    before = everything()
    answer = client.generic(method, path, data=body, content_type=content_type)
    assert answer.status_code < 300 or everything() == before
    return answer


def body_of(**values):
    return json.dumps({name: value for name, value in values.items() if value is not ABSENT})


def routes(cast):
    """Each call that carries a form."""
    return [("POST", "/api/users"), ("PUT", f"/api/users/{cast.owner.pk}"), ("POST", "/api/sessions")]


@pytest.mark.parametrize("key", ["form_configuration_name", "form_name"])
def test_what_is_no_name_of_a_configuration_of_users_is_406(cast, administrator, key):
    for name in NO_NAMES:
        for method, path in routes(cast)[:2]:
            answer = sent(administrator, body_of(**{key: name}, form=EXAMPLE), method=method, path=path)
            assert errors_of(answer, 406) == NO_CONFIGURATION, name


@pytest.mark.parametrize("key", ["form_configuration_id", "form_id"])
def test_what_is_no_number_of_a_configuration_of_users_is_406(cast, administrator, key):
    session = FormConfiguration.objects.get(name=OPEN)
    for number in [*NO_NUMBERS, 987654321, session.pk, str(session.pk)]:
        for method, path in routes(cast)[:2]:
            answer = sent(administrator, body_of(**{key: number}, form=EXAMPLE), method=method, path=path)
            assert errors_of(answer, 406)["base"][0].startswith(WRONG), number


def test_a_configuration_of_users_is_none_of_sessions(cast, administrator):
    number = FormConfiguration.objects.get(name=CREATE).pk
    for named in ({"form_name": CREATE}, {"form_name": UPDATE}, {"form_id": number}, {"form_name": ["x"]}):
        answer = sent(administrator, body_of(**named, form=EXAMPLE), path="/api/sessions")
        assert errors_of(answer, 406) == NO_CONFIGURATION
        answer = sent(administrator, body_of(**named), path="/api/sessions", method="DELETE")
        assert errors_of(answer, 406) == NO_CONFIGURATION


@pytest.mark.parametrize("said", ["%00", "x%00", "%ED%A0%80", "%FF", "", "nope", CREATE, "x" * 5000, "%F0%9F%8E%88"])
def test_a_query_names_a_configuration_of_sessions_or_none(administrator, said):
    for key in ("form_configuration_name", "form_name", "form_configuration_id", "form_id"):
        answer = sent(administrator, "", path=f"/api/sessions?{key}={said}", method="DELETE")
        assert errors_of(answer, 406) == NO_CONFIGURATION, key


@pytest.mark.parametrize("key", ["form_configuration_name", "form_name", "form_configuration_id", "form_id"])
def test_a_configuration_goes_by_either_name_and_by_its_number(administrator, key):
    row = FormConfiguration.objects.get(name=CREATE)
    name = row.name if "name" in key else row.pk
    made(administrator.post("/api/users", {key: name, "form": EXAMPLE}))
    if "id" in key:
        made(administrator.post("/api/users", {key: str(name), "form": EXAMPLE | {"email": "b@example.com"}}))


@pytest.mark.parametrize(
    "name",
    [
        CREATE.upper(),
        "Reference REST API create user",
        f"  {CREATE} ",
        "Reference_REST api_create_user\n",
    ],
)
def test_names_have_spaces_and_capitals_as_the_caller_likes(administrator, name):
    made(administrator.post("/api/users", asked(EXAMPLE, name)))


def test_names_of_sessions_may_have_a_final_s(administrator):
    for name in (f"{OPEN}s", f"{OPEN.upper()}S "):
        answer = administrator.post("/api/sessions", asked({}, name))
        assert answer.json() == {"errors": {"email": ["is invalid", "can't be blank"], "password": ["can't be blank"]}}
    for name in (CLOSE, f"{CLOSE}s"):
        assert administrator.delete(f"/api/sessions?form_configuration_name={name}").status_code == 204
        assert administrator.delete("/api/sessions", {"form_name": name}).status_code == 204
    assert errors_of(administrator.post("/api/sessions", asked({}, f"{OPEN}ss")), 406) == NO_CONFIGURATION


def test_a_configuration_that_no_request_may_use_is_as_one_that_there_is_not(cast, administrator):
    name = configured(request_allowed=False)
    number = FormConfiguration.objects.get(name=name).pk
    for named in ({"form_name": name}, {"form_id": number}):
        for method, path in routes(cast)[:2]:
            answer = sent(administrator, body_of(**named, form=EXAMPLE), method=method, path=path)
            assert errors_of(answer, 406) == NO_CONFIGURATION
    FormConfiguration.objects.filter(name=OPEN).update(request_allowed=False)
    answer = sent(administrator, body_of(form_name=OPEN, form={}), path="/api/sessions")
    assert errors_of(answer, 406) == NO_CONFIGURATION


@pytest.mark.parametrize(
    "fields", [{"is_superuser": {}}, {"email": {"validation": {"format": {"with": "(a+)+$"}}}}, []]
)
def test_a_row_that_is_no_sound_configuration_any_more_is_as_one_that_there_is_not(cast, administrator, fields):
    """Written past the service, or before its rules became stricter."""
    FormConfiguration.objects.create(name="unsound", fields=fields)
    for method, path in routes(cast)[:2]:
        answer = sent(administrator, body_of(form_name="unsound", form=EXAMPLE), method=method, path=path)
        assert errors_of(answer, 406) == NO_CONFIGURATION
    assert administrator.get(f"/api/users/{cast.owner.pk}").status_code == 200


def test_what_is_no_form_is_406(cast, administrator):
    names = {"/api/users": CREATE, "/api/sessions": OPEN}
    for form in NO_FORMS:
        for method, path in routes(cast):
            body = body_of(form_configuration_name=names.get(path, UPDATE), form=form)
            assert errors_of(sent(administrator, body, method=method, path=path), 406) == NO_FORM, form


FORM = json.dumps(EXAMPLE)[1:-1]
BODIES = {
    "{not JSON": "is not valid JSON",
    "{": "is not valid JSON",
    "[]": "must be a JSON object",
    "null": "must be a JSON object",
    '"form"': "must be a JSON object",
    "1": "must be a JSON object",
    f'{{"form_name": "{CREATE}", "form_name": "{CREATE}", "form": {{{FORM}}}}}': "duplicate key",
    f'{{"form_name": "{CREATE}", "form": {{{FORM}, "email": "b@example.com"}}}}': "duplicate key",
    f'{{"form_name": "{CREATE}", "form": {{{FORM}, "x": {"[" * 33 + "]" * 33}}}}}': "nested deeper than 32 levels",
    f'{{"form_name": "{CREATE}", "form": {"{" * 0}{"[" * 100_000}': "nested deeper than 32 levels",
    f'{{"form_name": "{CREATE}\\u0000", "form": {{{FORM}}}}}': "NUL character",
    f'{{"form_name": "{CREATE}\\ud800", "form": {{{FORM}}}}}': "lone surrogate",
    f'{{"form_name": "{CREATE}", "form": {{{FORM}, "x": "\\u0000"}}}}': "NUL character",
    f'{{"form_name": "{CREATE}", "form": {{{FORM}, "\\udfff": 1}}}}': "lone surrogate",
    f'{{"form_name": "{CREATE}", "form": {{{FORM}, "x": NaN}}}}': "not finite",
    f'{{"form_name": "{CREATE}", "form": {{{FORM}, "x": 1e999}}}}': "not finite",
    f'{{"form_name": "{CREATE}", "form": {{{FORM}, "x": {"9" * 5000}}}}}': "is not valid JSON",
    '{"form_name": "\xff"}': "UTF-8",
}


@pytest.mark.parametrize(("body", "reason"), BODIES.items(), ids=range(len(BODIES)))
def test_a_body_that_is_no_sound_json_object_is_406(cast, administrator, body, reason):
    for method, path in routes(cast):
        answer = sent(administrator, body.encode("latin-1"), method=method, path=path)
        (told,) = errors_of(answer, 406)["base"]
        assert told.startswith(WRONG) and reason in told


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/xml",
        "application/vnd.api+json",
        "nonsense",
        "application/json; charset=utf-16",
        "application/json; charset=\xff",
    ],
)
def test_a_body_of_another_type_or_charset_is_406(cast, administrator, content_type):
    for method, path in routes(cast):
        body = body_of(form_name=CREATE, form=EXAMPLE)
        answer = sent(administrator, body, method=method, path=path, content_type=content_type)
        assert errors_of(answer, 406)["base"][0].startswith(WRONG)


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", 'APPLICATION/JSON;charset="utf-8"'])
def test_json_is_json_however_its_type_is_written(administrator, content_type):
    made(sent(administrator, body_of(form_name=CREATE, form=EXAMPLE), content_type=content_type))


def test_a_body_that_is_too_large_is_413(cast, administrator):
    for method, path in routes(cast):
        body = body_of(form_name=CREATE, form=EXAMPLE | {"x": "x" * MAX_BODY_BYTES})
        answer = sent(administrator, body, method=method, path=path)
        assert errors_of(answer, 413) == {"base": ["The request body is too large."]}


def test_what_older_clients_send_beside_it_is_passed_over(administrator):
    beside = {"object_id": "new", "object_class": "UserForm", "parent_resource_id": None, "page_id": [1]}
    made(administrator.post("/api/users", {**asked(EXAMPLE), **beside}))


@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/nope",
        "/api/users/",
        "/api/users/1/",
        "/api/users/1/customizations",
        "/api/users.xml",
        "/api/users.json.json",
        "/api/Users",
        "/api/user/customizations",
        "/api/sessions/",
        "/api/sessions/1",
        "/api/v1",
    ],
)
def test_a_path_that_there_is_not_is_404_whoever_asks(administrator, client, path):
    for each in (administrator, client):
        for method in ("GET", "POST", "PUT", "DELETE"):
            answer = each.generic(method, path, data="{", content_type="application/json")
            assert errors_of(answer, 404) == NOT_FOUND


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/users", "POST"),
        ("/api/users.json", "POST"),
        ("/api/users/1", "GET, HEAD, PUT, DELETE"),
        ("/api/users/1.json", "GET, HEAD, PUT, DELETE"),
        ("/api/sessions", "POST, DELETE"),
        ("/api/sessions.json", "POST, DELETE"),
    ],
)
def test_a_method_that_there_is_not_is_405(administrator, path, allowed):
    allowed = set(allowed.split(", "))
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - allowed:
        answer = sent(administrator, "{}", method=method, path=path)
        assert errors_of(answer, 405) == {"base": [f'Method "{method}" not allowed.']}
        assert set(answer["Allow"].split(", ")) == allowed


def broken(user, declared):
    raise RuntimeError("secret words")


def away(execute, sql, params, many, context):
    raise OperationalError("server closed the connection unexpectedly")


def test_a_mistake_of_ours_and_a_database_that_is_away_are_told_in_this_shape(cast, administrator, monkeypatch):
    path = f"/api/users/{cast.owner.pk}"
    with connection.execute_wrapper(away):
        answer = administrator.get(path)
        assert errors_of(answer, 503) == {"base": ["The service is temporarily unavailable"]}
        assert answer["Retry-After"] == "1"
    monkeypatch.setattr(views, "to_user", broken)
    assert errors_of(administrator.get(path), 500) == {"base": ["An unexpected error occurred"]}


def test_what_fails_before_a_view_is_told_in_this_shape(administrator, settings):
    settings.ALLOWED_HOSTS = ["directory.example.com"]
    answer = administrator.post("/api/users", asked(EXAMPLE), HTTP_HOST="elsewhere.example.com")
    assert errors_of(answer, 406) == {"base": [f"{WRONG}The request is malformed."]}
    assert not User.objects.filter(email=EXAMPLE["email"]).exists()
