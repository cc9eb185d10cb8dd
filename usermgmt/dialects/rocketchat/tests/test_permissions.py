"""Which calls there are, and to whom each is closed; who may do what to whom stands beside each call (contract 2)."""

import pytest

from accounts.models import ApiToken, User
from accounts.tests.callers import api_token_of, caller
from accounts.tests.rows import unchanged
from usermgmt.dialects.rocketchat.tests.callers import (
    LOGGED_OUT,
    MUST_CHANGE,
    NOT_PERMITTED,
    logged_in,
    nothing_made,
    pair,
    told,
)
from usermgmt.dialects.rocketchat.urls import contract

OPEN = {("login", "post"), ("users.register", "post")}
LEAVING = {("logout", "get"), ("logout", "post")}
READING = {("me", "get"), ("users.info", "get"), ("users.list", "get")}
WRITING = {
    ("users.create", "post"),
    ("users.update", "post"),
    ("users.setActiveStatus", "post"),
    ("users.delete", "post"),
}


def routes():
    return {
        (str(each.pattern), method) for each in contract.urls for method in each.callback.actions if method != "head"
    }


def calling(client, route, method, **options):
    return told(getattr(client, method)(f"/api/v1/{route}", **options))


def test_every_call_is_in_a_table():
    assert routes() == OPEN | LEAVING | READING | WRITING


@pytest.mark.parametrize(("route", "method"), sorted(LEAVING | READING | WRITING))
def test_a_closed_call_needs_both_headers_of_one_user_who_is_active(cast, route, method):
    token = api_token_of(cast.owner, kind=ApiToken.Kind.LOGIN)[1]
    other = logged_in(cast.stranger)._credentials["HTTP_X_AUTH_TOKEN"]
    headers = [
        {},
        {"HTTP_X_USER_ID": str(cast.owner.pk)},
        {"HTTP_X_AUTH_TOKEN": token},
        pair(cast.owner.pk, other),
        pair(cast.stranger.pk, token),
        pair(f"{cast.owner.pk} ", f"{token}x"),
        pair(cast.owner.pk, "\x7f" * 4000),
        pair(cast.disabled.pk, api_token_of(cast.disabled, kind=ApiToken.Kind.LOGIN)[1]),
    ]
    with unchanged():
        for credentials in headers:
            client = caller()
            client.credentials(**credentials)
            assert calling(client, route, method) == (401, LOGGED_OUT), credentials


@pytest.mark.parametrize(("route", "method"), sorted(READING | WRITING))
def test_whoever_must_change_the_password_does_that_first(cast, route, method):
    User.objects.filter(pk=cast.administrator.pk).update(must_change_password=True)
    client = logged_in(cast.administrator)
    with nothing_made():
        assert calling(client, route, method) == (403, MUST_CHANGE)


@pytest.mark.parametrize(("route", "method"), sorted(WRITING))
def test_a_token_to_read_with_writes_nothing(cast, route, method):
    client = logged_in(cast.administrator, kind="api", read_only=True)
    with nothing_made():
        assert calling(client, route, method) == (403, NOT_PERMITTED)


@pytest.mark.parametrize(("route", "method"), sorted(WRITING))
def test_what_is_no_json_is_refused_and_names_nobody(cast, route, method):
    for user in (cast.administrator, cast.owner):
        for body in ("{", '{"userId":', "\x00", '{"userId":"\\ud800"}', '{"userId":1,"userId":2}'):
            options = {"data": body, "content_type": "application/json"}
            status, answer = calling(logged_in(user), route, method, **options)
            assert (status, answer["success"]) in ((400, False), (403, False)), (route, body)
            assert answer["error"]
