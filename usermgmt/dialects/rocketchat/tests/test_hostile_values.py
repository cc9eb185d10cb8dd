"""Whatever is sent under whatever name: an answer of this contract, never a fault of ours (contract 1)."""

import itertools

import pytest

from accounts.models import User
from accounts.tests.callers import caller
from usermgmt.dialects.rocketchat import serializers
from usermgmt.dialects.rocketchat.tests.bodies import GOOD, PATH
from usermgmt.dialects.rocketchat.tests.callers import logged_in, nothing_made, told

VALUES = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    1e308,
    2**63,
    10**400,
    "",
    " ",
    "0",
    "null",
    "\u202e",
    "\u200b",
    "\x7f",
    "\u0085",
    "\U0001f984",
    "\u0301" * 1000,
    "'; drop table accounts_user; --",
    "%s%n{0}{__class__}",
    "<script>alert(1)</script>",
    "x" * 100_000,
    [],
    [[]],
    ["admin"],
    [None],
    [{"$gt": ""}],
    {},
    {"$ne": None},
    {"": ""},
    {"__proto__": {"admin": True}},
    {"a": [1.5, -0.0, 10**400, 1e308, None, {"b": "\u202e"}]},
]


@pytest.mark.parametrize("name", serializers.USERS_CREATE["properties"])
def test_a_new_user_with_any_value_anywhere(cast, name):
    client, number = logged_in(cast.administrator), itertools.count()
    for value in VALUES:
        fresh = {"username": f"nina{next(number)}", "email": f"nina{next(number)}@example.com"}
        status, body = told(client.post(PATH, {**GOOD, **fresh, name: value}))
        assert (status, body["success"]) in ((200, True), (400, False)), value
        assert ("user" in body) is (status == 200)
        assert ("error" in body) is (status == 400)
        if status == 200:  # then what was taken can be shown again
            shown = caller(cast.administrator).get(f"/users/{body['user']['_id']}")
            assert shown.json()["name"] == User.objects.get(pk=body["user"]["_id"]).name


@pytest.mark.parametrize("name", ["user", "username", "email", "password", "resume", "code", "foo"])
def test_a_login_with_any_value_anywhere(cast, name):
    for number, value in enumerate(VALUES):
        with nothing_made():
            answer = caller().post(
                "/api/v1/login", {"user": "olga", "password": "wrong", name: value}, REMOTE_ADDR=f"10.0.{number}.1"
            )
        status, body = told(answer)
        assert (status, body["success"], body["error"]) == (401, False, "Unauthorized"), value


@pytest.mark.parametrize("key", ["username", "email", "id", ""])
def test_a_login_with_any_value_in_the_object(cast, key):
    for number, value in enumerate(VALUES):
        with nothing_made():
            answer = caller().post(
                "/api/v1/login", {"user": {key: value}, "password": "wrong"}, REMOTE_ADDR=f"10.1.{number}.1"
            )
        assert told(answer)[0] == 401, value


@pytest.mark.parametrize(
    "header", ["", " ", "0", "-1", "1.0", "1e3", "\u0661", "\xb2", "9" * 5000, "1; drop", "None", "null", "\x7f"]
)
def test_any_headers(cast, header):
    client = logged_in(cast.owner)
    token = client._credentials["HTTP_X_AUTH_TOKEN"]
    for pair in ((header, token), (str(cast.owner.pk), header), (header, header)):
        client.credentials(HTTP_X_USER_ID=pair[0], HTTP_X_AUTH_TOKEN=pair[1])
        assert told(client.get("/api/v1/me"))[0] == 401
