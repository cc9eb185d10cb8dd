"""What no call may stumble over: bodies that are no sound JSON, and headers made to break readers
(DESIGN 3 and 6; native contract 6)."""

import io
import json
from typing import Any

import pytest
from django.core.signals import request_started
from django.db import close_old_connections
from django.test import RequestFactory

from accounts.models import User
from accounts.tests.callers import tokens_of
from accounts.tests.rows import everything, stored
from accounts.tests.test_errors import TAKING_BODIES
from usermgmt.wsgi import application

JSON = "application/json"
NOT_JSON = "The request body is not valid JSON."
NO_OBJECT = "The request body must be a JSON object."
NOT_UTF_8 = "The request body must be UTF-8."
DUPLICATE = "The JSON has a duplicate key."
NUL = "The JSON has a NUL character."
SURROGATE = "The JSON has a lone surrogate."
NOT_FINITE = "The JSON has a number that is not finite."
TOO_DEEP = "The JSON is nested deeper than 32 levels."
JOHN = '{"name": "Jöhn", "email": "john@example.com"}'


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    """An object in which `foo` reaches down to `depth` levels, the object itself being the first."""
    return '{"foo": ' + opening * (depth - 1) + ("1" if ":" in opening else "") + closing * (depth - 1) + "}"


REFUSED = {
    "an open brace": ("{", NOT_JSON),
    "white space": (" \n ", NOT_JSON),
    "a trailing comma": ('{"name": "x",}', NOT_JSON),
    "a comment": ('{"name": "x"} // why', NOT_JSON),
    "single quotes": ("{'name': 'x'}", NOT_JSON),
    "a bare key": ("{name: 1}", NOT_JSON),
    "two documents": ('{"name": "x"}{"name": "y"}', NOT_JSON),
    "a raw line break in a text": ('{"name": "a\nb"}', NOT_JSON),
    "a half escape": ('{"name": "\\u12"}', NOT_JSON),
    "a form": ("name=x&email=y", NOT_JSON),
    "HTML": ("<html></html>", NOT_JSON),
    "a raw NUL": ('{"name": "a\0b"}', NOT_JSON),
    "null": ("null", NO_OBJECT),
    "true": ("true", NO_OBJECT),
    "a number": ("1", NO_OBJECT),
    "a text": ('"name"', NO_OBJECT),
    "an array": ("[]", NO_OBJECT),
    "an array of objects": ('[{"name": "x"}]', NO_OBJECT),
    "a duplicate key": ('{"name": "a", "name": "b"}', DUPLICATE),
    "a duplicate key, escaped once": ('{"name": "a", "n\\u0061me": "b"}', DUPLICATE),
    "a duplicate of a key that nobody knows": ('{"foo": 1, "foo": 1}', DUPLICATE),
    "a duplicate key far down": ('{"foo": [{"bar": {"a": 1, "a": 2}}]}', DUPLICATE),
    "an escaped NUL": ('{"name": "a\\u0000b"}', NUL),
    "a NUL in a key": ('{"na\\u0000me": "x"}', NUL),
    "a NUL far down": ('{"foo": [{"bar": ["\\u0000"]}]}', NUL),
    "a lone high surrogate": ('{"name": "a\\ud800"}', SURROGATE),
    "a lone low surrogate": ('{"email": "\\udc00@example.com"}', SURROGATE),
    "surrogates the wrong way round": ('{"name": "\\udc00\\ud800"}', SURROGATE),
    "a surrogate in a key": ('{"\\ud800": 1}', SURROGATE),
    "a surrogate far down": ('{"foo": {"bar": [["\\udfff"]]}}', SURROGATE),
    "NaN": ('{"client_id": NaN}', NOT_FINITE),
    "Infinity": ('{"foo": Infinity}', NOT_FINITE),
    "-Infinity": ('{"foo": [-Infinity]}', NOT_FINITE),
    "1e999": ('{"client_id": 1e999}', NOT_FINITE),
    "-1e999": ('{"foo": {"bar": -1e999}}', NOT_FINITE),
    "an integer of 5,000 digits": ('{"client_id": ' + "9" * 5000 + "}", NOT_JSON),
    "33 levels of arrays": (nested(33), TOO_DEEP),
    "33 levels of objects": (nested(33, '{"a":', "}"), TOO_DEEP),
    "1,000 levels": (nested(1000), TOO_DEEP),
    "200,000 levels": (nested(200_000), TOO_DEEP),
    "200,000 levels left open": ('{"foo":' + "[" * 200_000, TOO_DEEP),
    "Latin-1": (JOHN.encode("latin-1"), NOT_UTF_8),
    "UTF-16": (JOHN.encode("utf-16"), NOT_UTF_8),
    "UTF-16 without a mark": ('{"name": "x"}'.encode("utf-16-le"), NOT_JSON),
    "UTF-32": (JOHN.encode("utf-32"), NOT_UTF_8),
    "UTF-8 with a mark": (JOHN.encode("utf-8-sig"), NOT_JSON),
    "a surrogate in UTF-8": (b'{"name": "\xed\xa0\x80"}', NOT_UTF_8),
    "an overlong form": (b'{"name": "\xc0\x80"}', NOT_UTF_8),
    "a cut character": (b'{"name": "\xc3', NOT_UTF_8),
    "gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", NOT_UTF_8),
}


@pytest.mark.parametrize("what", REFUSED)
def test_no_call_takes(cast, call, what):
    body, message = REFUSED[what]
    client, before = call(cast.administrator), everything()

    for method, path in TAKING_BODIES:
        answer = client.generic(method, path.format(id=cast.owner.pk, client=cast.acme.pk), body, content_type=JSON)

        assert (answer.status_code, answer.json()) == (400, {"error": message}), path
        assert answer.headers["Content-Type"] == JSON
    assert everything() == before


TAKEN = {
    "an empty object": "{}",
    "white space around": ' \r\n\t{"name": "Olga Owner"} \n',
    "an escaped key": '{"n\\u0061me": "Olga Owner"}',
    "a pair of surrogates": '{"foo": "\\ud83e\\udd84"}',
    "32 levels of arrays": nested(32),
    "32 levels of objects": nested(32, '{"a":', "}"),
    "the same key in two objects": '{"foo": {"a": 1}, "bar": {"a": 1}}',
    "an integer of 4,000 digits": '{"foo": ' + "9" * 4000 + "}",
    "the largest number": '{"foo": 1.7976931348623157e308}',
    "a number too small to tell from nought": '{"foo": 1e-999}',
    "an unknown key that Python has": '{"__class__": 1, "self": 1, "actor": null, "user_id": 1, "versions": [1]}',
    "ten thousand unknown keys": json.dumps({f"key{number}": number for number in range(10_000)}),
}


@pytest.mark.parametrize("what", TAKEN)
def test_an_update_takes(cast, call, what):
    before = stored(cast.owner)

    answer = call(cast.administrator).generic("PATCH", f"/users/{cast.owner.pk}", TAKEN[what], content_type=JSON)

    assert answer.status_code == 200
    assert answer.json()["name"] == "Olga Owner"
    assert stored(cast.owner) == before


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8", "us-ascii"])
def test_a_charset_that_is_utf_8_is_taken(cast, call, charset):
    answer = call(cast.administrator).generic(
        "PATCH", f"/users/{cast.owner.pk}", '{"name": "Ölga"}'.encode(), content_type=f"{JSON}; charset={charset}"
    )

    assert answer.json()["name"] == "Ölga"


@pytest.mark.parametrize("charset", ["latin-1", "ISO-8859-1", "utf-16", "windows-1252", "nonsense", "utf-8-sig"])
def test_another_charset_is_refused(cast, call, charset):
    before = stored(cast.owner)

    answer = call(cast.administrator).generic(
        "PATCH", f"/users/{cast.owner.pk}", '{"name": "x"}', content_type=f"{JSON}; charset={charset}"
    )

    assert (answer.status_code, answer.json()) == (400, {"error": NOT_UTF_8})
    assert stored(cast.owner) == before


@pytest.mark.parametrize("content_type", [JSON, "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_no_body_at_all_is_like_an_empty_object(cast, call, content_type):
    client, before = call(cast.administrator), everything()
    required = ["name", "email", "password", "password_confirmation"]

    created = client.generic("POST", "/users", b"", content_type=content_type)
    updated = client.generic("PATCH", f"/users/{cast.owner.pk}", b"", content_type=content_type)
    signed_in = client.generic("POST", "/auth/token", b"", content_type=content_type)

    assert (created.status_code, created.json()) == (422, {"errors": {field: ["can't be blank"] for field in required}})
    assert (updated.status_code, updated.json()["name"]) == (200, "Olga Owner")
    assert signed_in.json() == {"errors": {"email": ["can't be blank"], "password": ["can't be blank"]}}
    assert everything() == before


BLANK, INVALID = ["can't be blank"], ["is invalid"]
TOO_LONG = ["is too long (maximum is 255 characters)"]
ABSURD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"name": ["x"] * 1000, "email": {"a": {"b": "c"}}, "password": [[]], "client_id": {}, "active": []},
        dict.fromkeys(("name", "email", "password", "client_id", "active"), ("is invalid",)),
    ),
    (
        {"name": "x" * 500_000, "email": "x@" * 200_000, "password": "x" * 100_000, "client_id": -(10**4000)},
        {
            "name": TOO_LONG,
            "email": TOO_LONG,
            "password": ["is too long (maximum is 128 characters)"],
            "client": ["must exist"],
        },
    ),
    (
        {"name": "a\u202e\u2028b", "email": "\u202ea@b.cc", "password": "\ue000\uffff", "client_id": 1e308},
        {
            "name": INVALID,
            "email": INVALID,
            "password": ["is too short (minimum is 8 characters)"],
            "client_id": INVALID,
        },
    ),
    (
        {"name": "\u200b\u200d", "email": "\u2029", "password": "\n" * 20, "client_id": 0.1, "active": "\u2028"},
        {"name": BLANK, "email": BLANK, "password": BLANK, "client_id": INVALID, "active": INVALID},
    ),
]


@pytest.mark.parametrize("which", range(len(ABSURD)))
@pytest.mark.parametrize(("method", "path"), [("POST", "/users"), ("PATCH", "/users/{id}"), ("PUT", "/users/current")])
def test_absurd_values_are_refused_by_field(cast, call, method, path, which):
    body, errors = ABSURD[which]
    before = everything()

    answer = call(cast.administrator).generic(
        method, path.format(id=cast.owner.pk), json.dumps(body), content_type=JSON
    )

    expected = {field: list(messages) for field, messages in errors.items()}
    assert (answer.status_code, answer.json()) == (422, {"errors": expected | {"password_confirmation": BLANK}})
    assert everything() == before


# Headers, through the application that a server loads: Django's own test client makes requests of its own.


@pytest.fixture
def serve(db):
    """Call `serve(user, path, **environ)`: the answer of the whole application, as (status, headers, body)."""

    def serving(user, path, **environ):
        seen: dict[str, Any] = {}

        def start_response(status, headers):
            seen.update(status=int(status.split()[0]), headers=dict(headers))

        request = RequestFactory().get(path).environ
        token = {"HTTP_AUTHORIZATION": f"Bearer {tokens_of(user).access}"}
        body = b"".join(application({**request, **token, **environ}, start_response))
        return seen["status"], seen["headers"], json.loads(body)

    request_started.disconnect(close_old_connections)  # as Django's test client does: the test's transaction goes on
    yield serving
    request_started.connect(close_old_connections)


CODECS = ["base64", "hex", "zlib", "rot13", "undefined", "idna", "punycode", "utf-16", "utf-7", "nonsense", "\xff", ""]


@pytest.mark.parametrize("codec", CODECS)
def test_a_codec_in_a_header_does_not_decide_how_a_query_is_read(cast, serve, codec):
    status, headers, body = serve(
        cast.administrator, "/users?search=%6flga", CONTENT_TYPE=f"text/plain; charset={codec}"
    )

    assert (status, [user["name"] for user in body["users"]]) == (200, ["Olga Owner"])
    assert headers["Content-Type"] == JSON


@pytest.mark.parametrize("header", ["CONTENT_TYPE", "HTTP_ACCEPT"])
@pytest.mark.parametrize(
    "parameter",
    ["x*={}''%41", "x*0*={}''%41", "x*" + "1" * 5000 + "=1{}", "charset*={}'en'utf-8", "x*0={};x*1=b"],
    ids=range(5),
)
@pytest.mark.parametrize("codec", ["base64", "nonsense"])
def test_an_extended_parameter_is_passed_over(cast, serve, header, parameter, codec):
    status, _, body = serve(
        cast.administrator, "/users/current", **{header: f"application/json; {parameter.format(codec)}"}
    )

    assert (status, body["id"]) == (200, cast.administrator.pk)


def test_too_many_parameters_are_malformed_also_beside_a_charset(cast, serve):
    status, headers, body = serve(
        cast.administrator, "/users?" + "a=1&" * 1001, CONTENT_TYPE="application/json; charset=utf-8"
    )

    assert (status, body) == (400, {"error": "The request is malformed."})
    assert headers["Content-Type"] == JSON


@pytest.mark.parametrize("length", ["-1", "x", "", "99999999999999999999", "1e3"])
def test_a_length_that_is_none_is_no_error_of_ours(cast, serve, length):
    nothing = {"wsgi.input": io.BytesIO()}

    status, headers, _ = serve(cast.administrator, "/users/current", CONTENT_LENGTH=length, **nothing)

    assert (status, headers["Content-Type"]) == (200, JSON)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "path", ["/users/%00", "/users/%FF%FE", "/users/%ED%A0%80", "/users/" + "9" * 5000, "/users/1%0A", "/users/\u0661"]
)
def test_absurd_numbers_in_paths_are_answered_in_json(cast, call, method, path):
    answer = getattr(call(cast.administrator), method)(path)

    expected = (404, "User not found") if method == "get" else (405, 'Method "POST" not allowed.')
    assert (answer.status_code, answer.json()["error"]) == expected
    assert User.objects.count() == 6
