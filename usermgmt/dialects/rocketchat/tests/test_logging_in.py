"""Logging in: the forms of it, what it answers, and what it never tells (contract 2)."""

import hashlib
import json
from datetime import timedelta
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import passwords
from accounts.models import ApiToken, Event, User
from accounts.services import logins, users
from accounts.tests.callers import api_token_of, caller
from accounts.tests.factories import PASSWORD
from accounts.tests.rows import everything
from usermgmt.dialects.rocketchat import mapping
from usermgmt.dialects.rocketchat.tests.callers import LOGGED_OUT, UNAUTHORIZED, logged_in, nothing_made, pair, told

PATH = "/api/v1/login"
INACTIVE = {**UNAUTHORIZED, "error": "error-user-is-not-activated", "message": "User is not activated"}


def log_in(body, **extra):
    return caller().post(PATH, body, **extra)


def opened(answer):
    """The client that the answer to a login opens, and what it told."""
    status, body = told(answer)
    assert (status, body["status"], body["success"]) == (200, "success", True), body
    client = caller()
    client.credentials(**pair(body["data"]["userId"], body["data"]["authToken"]))
    return client, body["data"]


FORMS: dict[str, dict[str, Any]] = {
    "user, a name": {"user": "olga"},
    "user, in another case": {"user": "OLGA"},
    "user, an address": {"user": "olga@example.com"},
    "user, an address in another case": {"user": "Olga@Example.COM"},
    "username": {"username": "olga"},
    "username, which is an address": {"username": "Olga@Example.com"},
    "email": {"email": "olga@example.com"},
    "an object with username": {"user": {"username": "olga"}},
    "an object with email": {"user": {"email": "olga@example.com"}},
    "blanks beside": {"user": "", "email": "", "username": "olga"},
    "no resume": {"user": "olga", "resume": None},
    "a second factor": {"user": "olga", "code": "123456"},
    "a second factor that is no text": {"user": "olga", "code": {"totp": [1]}},
    "what nobody knows": {"user": "olga", "foo": [{"bar": None}], "is_superuser": True},
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_a_login_opens_the_same_door(cast, form):
    client, data = opened(log_in({**FORMS[form], "password": PASSWORD}))
    assert data["userId"] == data["me"]["_id"] == str(cast.owner.pk)
    assert client.get("/api/v1/me").json()["username"] == "olga"
    token = ApiToken.objects.get()
    assert (token.user, token.kind, token.client, token.read_only) == (cast.owner, "login", None, False)
    assert token.expires_at is not None
    assert timedelta(days=89, hours=23) < token.expires_at - timezone.now() <= timedelta(days=90)
    assert Event.objects.get(action="sign_in.succeeded").contract == "rocketchat"


def test_a_second_factor_in_a_header_is_passed_over(cast):
    opened(log_in({"user": "olga", "password": PASSWORD}, HTTP_X_2FA_CODE="123456", HTTP_X_2FA_METHOD="totp"))


def test_headers_of_another_login_do_not_matter(cast):
    client = logged_in(cast.stranger)
    assert opened(client.post(PATH, {"user": "olga", "password": PASSWORD}))[1]["userId"] == str(cast.owner.pk)


def test_what_a_login_tells_of_the_user(cast):
    User.objects.filter(pk=cast.owner.pk).update(email_verified=True)
    with time_machine.travel("2026-03-01T10:05:00.5Z", tick=False):
        data = opened(log_in({"user": "olga", "password": PASSWORD}))[1]
    me = data["me"]
    stamps = [me.pop("createdAt"), me.pop("_updatedAt")]
    assert all(stamp.endswith("Z") and len(stamp) == len("2026-03-01T10:05:00.500Z") for stamp in stamps)
    assert me.pop("avatarUrl").startswith("data:image/svg+xml,")
    assert me == {
        "_id": str(cast.owner.pk),
        "name": "Olga Owner",
        "username": "olga",
        "type": "user",
        "emails": [{"address": "olga@example.com", "verified": True}],
        "email": "olga@example.com",
        "status": "offline",
        "statusConnection": "offline",
        "utcOffset": 0,
        "active": True,
        "roles": ["user"],
        "settings": {"profile": {}, "preferences": {}},
        "services": {"password": {"exists": True}},
        "lastLogin": "2026-03-01T10:05:00.500Z",
    }


def test_me_is_the_same_at_the_top_level(cast):
    client, data = opened(log_in({"user": "olga", "password": PASSWORD}))
    assert told(client.get("/api/v1/me")) == (200, {**data["me"], "success": True})


def test_an_address_that_is_not_verified_is_not_the_email(cast):
    me = logged_in(cast.owner).get("/api/v1/me").json()
    assert "email" not in me
    assert me["emails"] == [{"address": "olga@example.com", "verified": False}]


def test_me_tells_whether_there_is_a_password(cast):
    users.update(actor=None, user_id=cast.owner.pk, password=None)
    cast.owner.refresh_from_db()
    answer = logged_in(cast.owner).get("/api/v1/me")
    assert answer.json()["services"] == {"password": {"exists": False}}
    assert cast.owner.password not in answer.content.decode().replace('"!"', "")


@pytest.mark.parametrize(
    ("username", "initial"), [("olga", "O"), ("9lives", "9"), ("_x", "_"), ("<&>", "<"), ("\u00df", "SS")]
)
def test_the_picture_of_a_user_is_the_initial(username, initial):
    scheme, _, picture = mapping.avatar(username).partition(",")
    assert scheme == "data:image/svg+xml"
    assert picture.isascii()
    assert not set('<>"#{} ') & set(picture)
    drawn = ElementTree.fromstring(unquote(picture))  # noqa: S314  # we made it
    assert [node.text for node in drawn] == [None, initial]


def test_several_logins_live_beside_each_other(cast):
    clients = [opened(log_in({"user": "olga", "password": PASSWORD}))[0] for _ in range(3)]
    assert told(clients[1].post("/api/v1/logout", {}))[0] == 200
    assert [client.get("/api/v1/me").status_code for client in clients] == [200, 401, 200]


def test_a_hundred_logins_live_and_one_more_ends_the_oldest(cast):
    tokens = [api_token_of(cast.owner, kind="login") for _ in range(logins.MAX_ALIVE)]
    another = api_token_of(cast.owner)[0]  # of another kind: not counted
    client, _ = opened(log_in({"user": "olga", "password": PASSWORD}))
    alive = set(ApiToken.objects.alive().filter(kind="login").values_list("pk", flat=True))
    assert len(alive) == logins.MAX_ALIVE == 100
    assert alive.isdisjoint({tokens[0][0].pk}) and {row.pk for row, _ in tokens[1:]} <= alive
    assert ApiToken.objects.alive().filter(pk=another.pk).exists()
    assert client.get("/api/v1/me").status_code == 200
    client.credentials(**pair(cast.owner.pk, tokens[0][1]))
    assert told(client.get("/api/v1/me")) == (401, LOGGED_OUT)


def test_a_login_is_over_after_ninety_days(cast):
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        client, data = opened(log_in({"user": "olga", "password": PASSWORD}))
        clock.shift(timedelta(days=90, seconds=-1))
        assert client.get("/api/v1/me").status_code == 200
        clock.shift(timedelta(seconds=1))
        assert told(client.get("/api/v1/me")) == (401, LOGGED_OUT)
        assert told(log_in({"resume": data["authToken"]})) == (401, UNAUTHORIZED)


@pytest.mark.parametrize(
    "change", [{"active": False}, {"password": "another passphrase"}, {"email": "o@example.com"}, {"client_id": None}]
)
def test_what_ends_every_sign_in_ends_every_login(cast, change):
    client, data = opened(log_in({"user": "olga", "password": PASSWORD}))
    users.update(actor=None, user_id=cast.owner.pk, **change)
    assert told(client.get("/api/v1/me")) == (401, LOGGED_OUT)
    assert told(log_in({"resume": data["authToken"]})) == (401, UNAUTHORIZED)
    users.update(actor=None, user_id=cast.owner.pk, active=True)
    assert told(client.get("/api/v1/me")) == (401, LOGGED_OUT)


def test_whoever_must_change_the_password_is_told_so_and_let_in(cast):
    User.objects.filter(pk=cast.owner.pk).update(must_change_password=True)
    client, data = opened(log_in({"user": "olga", "password": PASSWORD}))
    assert data["me"]["requirePasswordChange"] is True
    assert client.get("/api/v1/me").status_code == 403


# Resuming


def test_a_login_is_resumed_by_its_token(cast):
    _, data = opened(log_in({"user": "olga", "password": PASSWORD}))
    resumed = opened(log_in({"resume": data["authToken"]}))[1]
    assert resumed == data
    assert ApiToken.objects.count() == 1


def test_after_the_logout_there_is_nothing_to_resume(cast):
    client, data = opened(log_in({"user": "olga", "password": PASSWORD}))
    client.get("/api/v1/logout")
    assert told(log_in({"resume": data["authToken"]})) == (401, UNAUTHORIZED)


@pytest.mark.parametrize("token", ["", "x", "um_", 1, True, [], {}, ["x"], "\u0661" * 60, "x" * 100_000])
def test_what_is_no_token_resumes_nothing(cast, token):
    with nothing_made():
        assert told(log_in({"resume": token, "user": "olga", "password": PASSWORD})) == (401, UNAUTHORIZED)


def test_a_token_of_a_program_or_of_the_disabled_resumes_nothing(cast):
    for token in (api_token_of(cast.owner)[1], api_token_of(cast.disabled, kind="login")[1]):
        assert told(log_in({"resume": token})) == (401, UNAUTHORIZED)


# What is refused, and alike

DIGEST = hashlib.sha256(PASSWORD.encode()).hexdigest()
REFUSED = {
    "an unknown name": {"user": "nobody", "password": PASSWORD},
    "an unknown address": {"user": "nobody@example.com", "password": PASSWORD},
    "a wrong password": {"user": "olga", "password": "wrong password"},
    "a password in another case": {"user": "olga", "password": PASSWORD.upper()},
    "a password with a blank": {"user": "olga", "password": PASSWORD + " "},
    "a wrong password of the disabled": {"user": "dora", "password": "wrong password"},
    "an address at email that is a name": {"email": "olga", "password": PASSWORD},
    "an object with an unknown name": {"user": {"username": "nobody"}, "password": PASSWORD},
    "an object with neither": {"user": {"id": "1"}, "password": PASSWORD},
    "an empty object": {"user": {}, "password": PASSWORD},
    "nobody": {"password": PASSWORD},
    "nothing": {},
    "no password": {"user": "olga"},
    "a password of nothing": {"user": "olga", "password": ""},
    "null": {"user": "olga", "password": None},
    "a number": {"user": "olga", "password": 12345678},
    "a list": {"user": "olga", "password": [PASSWORD]},
    "a digest": {"user": "olga", "password": {"digest": DIGEST, "algorithm": "sha-256"}},
    "an old digest": {"user": "olga", "password": {"hashed": DIGEST}},
    "a digest as text": {"user": "olga", "password": DIGEST},
    "a digest of nothing": {"user": "olga", "password": {"digest": None}},
    "an operator": {"user": {"username": {"$ne": None}}, "password": {"$ne": None}},
    "a name that is a number": {"user": 1, "password": PASSWORD},
    "a list of names": {"user": ["olga"], "password": PASSWORD},
    "a name in a name": {"user": {"username": {"username": "olga"}}, "password": PASSWORD},
    "a name with a blank": {"user": "olga ", "password": PASSWORD},
    "a wildcard": {"user": "%", "password": PASSWORD},
    "a long name": {"user": "x" * 200_000, "password": PASSWORD},
    "a long name that folds slowly": {"username": "\u0301" * 200_000, "password": PASSWORD},
    "a long address": {"user": "\u0301" * 200_000 + "@example.com", "password": PASSWORD},
    "a long password": {"user": "olga", "password": "x" * 200_000},
}


@pytest.mark.parametrize("what", REFUSED)
def test_every_other_login_is_refused_in_the_same_words(cast, what):
    with nothing_made():
        answer = log_in(REFUSED[what])
    assert told(answer) == (401, UNAUTHORIZED)
    assert not Event.objects.filter(action="sign_in.succeeded").exists()


def test_the_disabled_are_told_so_only_by_the_right_password(cast):
    assert told(log_in({"user": "dora", "password": PASSWORD})) == (401, INACTIVE)
    assert told(log_in({"user": "dora", "password": "wrong"})) == (401, UNAUTHORIZED)
    assert not ApiToken.objects.exists()


FAILURES = {
    "unknown": ("nobody", "wrong password"),
    "wrong": ("olga", "wrong password"),
    "inactive": ("dora", "wrong password"),
    "inactive, right": ("dora", PASSWORD),
    "password-less": ("stan", "wrong password"),
}


@pytest.mark.parametrize("form", ["user", "username", "email"])
def test_the_database_is_asked_as_much_whoever_it_is(cast, form, monkeypatch):
    users.update(actor=None, user_id=cast.stranger.pk, password=None)
    hashed, verified = [], passwords.verified
    monkeypatch.setattr(passwords, "verified", lambda *values: hashed.append(values) or verified(*values))
    counts = {}
    for number, (kind, (name, password)) in enumerate(FAILURES.items()):
        body = {form: f"{name}@example.com" if form == "email" else name, "password": password}
        with CaptureQueriesContext(connection) as captured:
            assert log_in(body, REMOTE_ADDR=f"192.0.2.{number}").status_code == 401
        counts[kind] = len(captured)
    assert len(set(counts.values())) == 1, counts
    assert len(hashed) == len(FAILURES)


def test_a_refused_login_is_in_the_audit_trail_without_the_password(cast):
    log_in({"user": "olga", "password": "wrong password"})
    event = Event.objects.get()
    assert (event.action, event.target_id, event.contract) == ("sign_in.failed", cast.owner.pk, "rocketchat")
    assert "wrong password" not in str(everything())


# Too many


@pytest.fixture
def clock():
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        yield clock


def blocked(seconds):
    words = {
        "error": "error-login-blocked",
        "message": f"Login has been temporarily blocked. Try again in {seconds} seconds.",
    }
    return 401, {**UNAUTHORIZED, **words}


BY_NAME: list[dict[str, Any]] = [{"user": "olga"}, {"user": "OLGA"}, {"username": "Olga"}]
BY_ADDRESS: list[dict[str, Any]] = [
    {"user": "OLGA@example.com"},
    {"email": "olga@EXAMPLE.com"},
    {"user": {"email": "olga@example.com"}},
]


@pytest.mark.parametrize("spellings", [BY_NAME, BY_ADDRESS], ids=["user name", "address"])
@pytest.mark.usefixtures("counting")
def test_a_block_by_one_spelling_is_a_block_by_every_other(cast, clock, spellings):
    remaining = []
    for spelling in (spellings * 2)[:5]:
        answer = log_in({**spelling, "password": "wrong password"})
        assert told(answer) == (401, UNAUTHORIZED)
        remaining.append(answer.headers["X-RateLimit-Remaining"])
    assert remaining == ["4", "3", "2", "1", "0"]
    clock.shift(timedelta(seconds=3))
    for spelling in spellings:
        answer = log_in({**spelling, "password": PASSWORD})  # the right one waits, too
        assert told(answer) == blocked(27)
        assert answer.headers["Retry-After"] == "27"
    clock.shift(timedelta(seconds=27))
    opened(log_in({**spellings[0], "password": PASSWORD}))


@pytest.mark.usefixtures("counting")
def test_a_block_by_the_address_is_one_of_the_native_contract_and_back(cast, clock):
    for _ in range(5):
        log_in({"user": "olga@example.com", "password": "wrong password"})
    native = caller().post("/auth/token", {"email": "olga@example.com", "password": PASSWORD})
    assert (native.status_code, native.headers["Retry-After"]) == (429, "30")
    for _ in range(5):
        caller().post("/auth/token", {"email": "ada@example.com", "password": "wrong password"})
    assert told(log_in({"user": "ada@example.com", "password": PASSWORD})) == blocked(30)


@pytest.mark.parametrize("name", ["olga", "nobody"])
@pytest.mark.usefixtures("counting")
def test_what_is_counted_does_not_tell_whether_there_is_a_user(cast, clock, name):
    spellings = [{"email": name}, {"username": name}, {"email": f"{name}@example.com"}, {"user": name}]
    answers = [log_in({**spelling, "password": "wrong password"}) for spelling in spellings]
    assert [told(answer) for answer in answers] == [(401, UNAUTHORIZED)] * 4
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["4", "3", "4", "2"]


@pytest.mark.usefixtures("counting")
def test_unknown_users_are_blocked_alike(cast, clock):
    assert [told(log_in({"user": "nobody", "password": "wrong"})) for _ in range(6)] == [(401, UNAUTHORIZED)] * 5 + [
        blocked(30)
    ]
    # Somebody else is not.
    opened(log_in({"user": "olga", "password": PASSWORD}))


@pytest.mark.usefixtures("counting")
def test_where_a_login_stands_with_its_limit_is_told_in_the_contracts_headers(cast, clock):
    answer = log_in({"user": "olga", "password": PASSWORD})
    end = int(timezone.now().timestamp() * 1000) + 86_400_000
    headers = {name: answer.headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")}
    assert headers == {"Limit": "5", "Remaining": "5", "Reset": str(end)}
    assert "RateLimit-Limit" not in answer.headers


# Logging out


LOGOUTS = {
    "GET": lambda client: client.get("/api/v1/logout"),
    "GET with a JSON content type": lambda client: client.generic(
        "GET", "/api/v1/logout", b"", content_type="application/json"
    ),
    "POST {}": lambda client: client.post("/api/v1/logout", {}),
    "POST without a body": lambda client: client.generic(
        "POST", "/api/v1/logout", b"", content_type="application/json"
    ),
    "POST without a type": lambda client: client.generic("POST", "/api/v1/logout"),
    "POST of something": lambda client: client.generic("POST", "/api/v1/logout", b"{", content_type="text/plain"),
}


@pytest.mark.parametrize("form", LOGOUTS)
def test_each_form_of_a_logout_ends_the_token_that_was_sent_and_no_other(cast, form):
    client, other = logged_in(cast.owner), logged_in(cast.owner)
    assert told(LOGOUTS[form](client)) == (
        200,
        {"status": "success", "data": {"message": "You've been logged out!"}, "success": True},
    )
    assert told(client.get("/api/v1/me")) == (401, LOGGED_OUT)
    assert told(LOGOUTS[form](client)) == (401, LOGGED_OUT)
    assert other.get("/api/v1/me").status_code == 200
    event = Event.objects.get(action="sign_in.revoked")
    assert (event.actor_id, event.contract) == (cast.owner.pk, "rocketchat")


def test_whoever_asks_for_the_head_of_the_answer_alone_stays_logged_in(cast):
    client = logged_in(cast.owner)
    answer = client.head("/api/v1/logout")
    assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, "application/json", b"")
    assert client.get("/api/v1/me").status_code == 200
    assert not Event.objects.filter(action="sign_in.revoked").exists()
    client.get("/api/v1/logout")
    assert client.head("/api/v1/logout").status_code == 401


def test_whoever_must_change_the_password_may_leave(cast):
    User.objects.filter(pk=cast.owner.pk).update(must_change_password=True)
    client = logged_in(cast.owner)
    assert client.post("/api/v1/logout", {}).status_code == 200
    assert client.get("/api/v1/logout").status_code == 401


@pytest.mark.parametrize("form", LOGOUTS)
def test_a_token_that_only_reads_can_be_ended_by_whoever_has_it(cast, form):
    client = logged_in(cast.owner, kind="api", read_only=True)
    assert told(LOGOUTS[form](client))[0] == 200
    assert told(client.get("/api/v1/me")) == (401, LOGGED_OUT)


def test_nobody_logs_nobody_out(cast):
    token = logged_in(cast.owner)._credentials["HTTP_X_AUTH_TOKEN"]
    client = caller()
    client.credentials(**pair(cast.stranger.pk, token))
    assert told(client.post("/api/v1/logout", {})) == (401, LOGGED_OUT)
    client.credentials(**pair(cast.owner.pk, token))
    assert client.get("/api/v1/me").status_code == 200


def test_the_token_of_a_program_is_taken_and_ends_by_a_logout(cast):
    client = logged_in(cast.owner, kind="api")
    assert client.get("/api/v1/me").json()["username"] == "olga"
    assert client.get("/api/v1/logout").status_code == 200
    assert told(client.get("/api/v1/me")) == (401, LOGGED_OUT)
    assert Event.objects.filter(action="api_token.revoked").count() == 1


# As clients send it (contract 5)


def test_the_python_client_gets_through_its_day(cast):
    """rocketchat_API 3.7.1: an address with a capital in it goes out as `username`; `me` has a bare `?`."""
    client, data = opened(
        caller().generic(
            "POST",
            PATH,
            json.dumps({"password": PASSWORD, "username": "Olga@Example.com"}),
            content_type="application/json",
            HTTP_ACCEPT="*/*",
        )
    )
    assert client.generic("GET", "/api/v1/me?").json()["_id"] == data["userId"]
    assert client.post("/api/v1/logout", {}).json()["status"] == "success"
    assert client.get("/api/v1/me?").status_code == 401


def test_the_javascript_client_gets_through_its_day(cast):
    """@rocket.chat/sdk 0.2.9: JSON as the content type of each GET, and GET to leave."""
    client, data = opened(log_in({"username": "olga", "password": PASSWORD}))
    me = client.generic("GET", "/api/v1/me", b"", content_type="application/json")
    assert me.json()["_id"] == data["userId"]
    assert "error" not in me.json()
    assert LOGOUTS["GET with a JSON content type"](client).json()["status"] == "success"
