"""Who may call what: one table over every route and every kind of caller (contract 0, 1 and 5)."""

import json
import re

import pytest
from django.db import transaction

from accounts.models import Event, User
from accounts.tests.callers import caller
from accounts.tests.factories import PASSWORD
from accounts.tests.rows import everything
from usermgmt.dialects.forms.authentication import COOKIE
from usermgmt.dialects.forms.errors import CHALLENGE
from usermgmt.dialects.forms.tests.forms import CREATE, OPEN, UPDATE, asked, changing, errors_of, program, seated
from usermgmt.dialects.forms.urls import contract

WORDS = {
    401: ["Invalid Authentication"],
    403: ["You are not allowed to do this"],
    404: ["Not found"],
}
MUST_CHANGE = ["You must change your password first"]
NEW = {"first_name": "New", "email": "new@example.com", "password": "securepassword"}
SIGNED_IN = {"email": "olga@example.com", "password": PASSWORD}
BODIES = {
    ("POST", "users"): asked(NEW, CREATE),
    ("PUT", "users/{id}"): asked({"first_name": "Changed"}, UPDATE),
    ("POST", "sessions"): asked(SIGNED_IN, OPEN),
}
# Token: an administrator's. Owner: a token of a regular user. Bound: an administrator's for Acme. Reader: one that is
# read-only. Late: of an administrator who must change the password. With an administrator's token, and the cookie of a
# session of: person, the owner; staff, another administrator; tardy, one who must change the password. Foreign: the
# cookie of an administrator beside the owner's token.
ACTORS = ("nobody", "token", "owner", "bound", "reader", "late", "person", "staff", "tardy", "foreign")
TABLE = [
    ("POST", "users", "", 401, 201, 403, 201, 403, 403, 403, 201, 403, 401),
    ("GET", "users/{id}", "owner", 401, 200, 200, 200, 200, 403, 200, 200, 403, 401),
    ("GET", "users/{id}", "stranger", 401, 200, 403, 200, 200, 403, 403, 200, 403, 401),
    ("GET", "users/{id}", "outsider", 401, 200, 403, 404, 200, 403, 403, 200, 403, 401),
    ("GET", "users/{id}", "spare", 401, 200, 403, 404, 200, 403, 403, 200, 403, 401),
    ("GET", "users/{id}", "disabled", 401, 200, 403, 200, 200, 403, 403, 200, 403, 401),
    ("GET", "users/{id}", "missing", 401, 404, 403, 404, 404, 403, 403, 404, 403, 401),
    ("GET", "users/{id}", "abc", 401, 404, 403, 404, 404, 403, 403, 404, 403, 401),
    ("PUT", "users/{id}", "owner", 401, 204, 204, 204, 403, 403, 204, 204, 403, 401),
    ("PUT", "users/{id}", "stranger", 401, 204, 404, 204, 403, 403, 404, 204, 403, 401),
    ("PUT", "users/{id}", "outsider", 401, 204, 404, 404, 403, 403, 404, 204, 403, 401),
    ("PUT", "users/{id}", "spare", 401, 204, 404, 404, 403, 403, 404, 204, 403, 401),
    ("PUT", "users/{id}", "disabled", 401, 204, 404, 204, 403, 403, 404, 204, 403, 401),
    ("PUT", "users/{id}", "missing", 401, 404, 404, 404, 403, 403, 404, 404, 403, 401),
    ("PUT", "users/{id}", "abc", 401, 404, 404, 404, 403, 403, 404, 404, 403, 401),
    ("DELETE", "users/{id}", "owner", 401, 204, 403, 204, 403, 403, 403, 204, 403, 401),
    ("DELETE", "users/{id}", "stranger", 401, 204, 403, 204, 403, 403, 403, 204, 403, 401),
    ("DELETE", "users/{id}", "outsider", 401, 204, 403, 404, 403, 403, 403, 204, 403, 401),
    ("DELETE", "users/{id}", "spare", 401, 204, 403, 404, 403, 403, 403, 204, 403, 401),
    ("DELETE", "users/{id}", "disabled", 401, 204, 403, 204, 403, 403, 403, 204, 403, 401),
    ("DELETE", "users/{id}", "missing", 401, 404, 403, 404, 403, 403, 403, 404, 403, 401),
    ("DELETE", "users/{id}", "abc", 401, 404, 403, 404, 403, 403, 403, 404, 403, 401),
    # Whoever signs in by the form does so by the token of the program, whichever cookie there is.
    ("POST", "sessions", "", 401, 201, 201, 201, 403, 403, 201, 201, 201, 201),
    ("DELETE", "sessions", "", 401, 204, 204, 204, 204, 204, 204, 204, 204, 401),
]
# Who is told that the password must be changed, where others are told that they may not.
HELD_UP = {"late", "tardy"}


@pytest.fixture
def callers(cast, administrator):
    """A client for each actor, made when asked for."""

    def must_change(user):
        User.objects.filter(pk=user.pk).update(must_change_password=True)
        return User.objects.get(pk=user.pk)

    def made(actor):
        match actor:
            case "nobody":
                return caller()
            case "token":
                return administrator
            case "owner":
                return program(cast.owner)
            case "bound":
                return program(cast.administrator, client=cast.acme)
            case "reader":
                return program(cast.administrator, read_only=True)
            case "late":
                return program(must_change(cast.administrator))
            case "person":
                return seated(program(cast.administrator), cast.owner)
            case "staff":
                return seated(program(cast.administrator), cast.spare)
            case "tardy":
                return seated(program(cast.administrator), must_change(cast.spare))
            case _:
                return seated(program(cast.owner), cast.administrator)

    return made


class Undone(Exception):
    """Ends a transaction of which nothing is to stay."""


def calls():
    """Every call of the contract, as a method and a route."""
    return {
        (method.upper(), str(route.pattern))
        for route in contract.urls
        for method in route.callback.actions
        if method != "head"
    }


def test_every_route_is_in_the_table_in_both_spellings():
    told = {(method, re.sub("{id}", "<str:id>", route)) for method, route, *_ in TABLE}
    assert calls() == told | {(method, f"{route}.json") for method, route in told}


ROWS = [(*row[:3], "", row[3:]) for row in TABLE]
ROWS += [(*row[:3], ".json", row[3:]) for row in TABLE if row[2] in ("", "owner")]


@pytest.mark.parametrize(("method", "route", "target", "ending", "statuses"), ROWS)
def test_each_caller_gets_what_the_table_says(cast, callers, method, route, target, ending, statuses):
    numbers = {"missing": 987654321, "abc": "abc", "": None}
    number = numbers[target] if target in numbers else getattr(cast, target).pk
    path = f"/api/{route.format(id=number)}{ending}"
    body = BODIES.get((method, route))
    for actor, status in zip(ACTORS, statuses, strict=True):
        with pytest.raises(Undone), transaction.atomic():
            client = callers(actor)
            before, refusals = everything()[:2], Event.objects.filter(action="change.refused").count()

            answer = client.generic(method, path, data=json.dumps(body or {}), content_type="application/json")

            assert answer.status_code == status, actor
            if status in WORDS:
                held_up = status == 403 and actor in HELD_UP
                assert errors_of(answer, status) == {"base": MUST_CHANGE if held_up else WORDS[status]}, actor
                assert answer.headers.get("WWW-Authenticate") == (CHALLENGE if status == 401 else None)
                assert everything()[:2] == before
                recorded = Event.objects.filter(action="change.refused").count() - refusals
                assert recorded == (status == 403 and method != "GET"), actor
            elif route == "users":
                assert User.objects.get(pk=answer.json()["id"]).email == NEW["email"]
            elif route == "sessions":
                assert COOKIE in answer.cookies
                assert [row["id"] for row in everything()[0]] == [row["id"] for row in before[0]]
            elif method == "GET":
                assert answer.json()["id"] == number
                assert everything()[:2] == before
            else:
                changed = User.objects.filter(pk=number).values_list("given_name", flat=True)
                assert list(changed) == (["Changed"] if method == "PUT" else [])
            raise Undone


def test_a_head_is_answered_as_a_get_is_without_its_body(cast, callers):
    for actor, status in (("token", 200), ("person", 200), ("nobody", 401), ("late", 403)):
        answer = callers(actor).head(f"/api/users/{cast.owner.pk}")
        assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize("body", ["{}", "{not JSON", "[]", '{"form_name": "nope"}'])
def test_whoever_may_make_nobody_is_told_so_before_anything_is_read(cast, callers, body):
    for actor in ("owner", "reader", "late", "person"):
        answer = callers(actor).generic("POST", "/api/users", data=body, content_type="application/json")
        assert list(errors_of(answer, 403)) == ["base"]


def test_whoever_must_change_the_password_may_do_that_by_a_session_and_nothing_else(cast, administrator):
    User.objects.filter(pk=cast.owner.pk).update(must_change_password=True)
    name = changing({"password": {}, "first_name": {}})
    client, path = seated(administrator, cast.owner), f"/api/users/{cast.owner.pk}"
    for user, form in ((cast.owner, {"first_name": "Mike"}), (cast.stranger, {"password": "another passphrase"})):
        answer = client.put(f"/api/users/{user.pk}", asked(form, name))
        assert errors_of(answer, 403) == {"base": MUST_CHANGE}
    same = client.put(path, asked({"password": PASSWORD}, name))
    assert errors_of(same) == {"password": ["must differ from the present one"]}
    assert client.put(path, asked({"password": "another passphrase"}, name)).status_code == 204
    cast.owner.refresh_from_db()
    assert not cast.owner.must_change_password
    assert cast.owner.check_password("another passphrase")
    assert errors_of(client.put(path, asked({"first_name": "Mike"}, name)), 401) == {"base": WORDS[401]}
