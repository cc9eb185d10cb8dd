"""`POST /api/sessions` and `DELETE /api/sessions`: people sign in to a program (contract 0, 1 and 6.16)."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import passwords
from accounts.models import ApiToken, Event, User
from accounts.services import users
from accounts.tests.callers import api_token_of, caller, tokens_of
from accounts.tests.factories import PASSWORD
from accounts.tests.rows import everything, unchanged
from accounts.tests.test_races import at_once
from usermgmt.dialects.forms import configurations
from usermgmt.dialects.forms.authentication import COOKIE
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.tests.forms import (
    CLOSE,
    EXAMPLE,
    MEDIA_TYPE,
    OPEN,
    PRESENT,
    asked,
    bearing,
    errors_of,
    program,
    seated,
)

PATH = "/api/sessions"
WRONG = {"errors": {"base": ["Invalid email or password"]}}
UNAUTHENTICATED = {"base": ["Invalid Authentication"]}
OLGA = {"email": "olga@example.com", "password": PASSWORD}
BLANK_EMAIL, BLANK = ["is invalid", "can't be blank"], ["can't be blank"]


def sign_in(client, form, name=OPEN, **extra):
    return client.post(PATH, asked(form, name), **extra)


def opened(answer):
    """What the cookie that an answer sets has in it."""
    assert (answer.status_code, answer["Content-Type"], answer.content) == (201, MEDIA_TYPE, b"{}")
    assert answer["Cache-Control"] == "no-store"
    return answer.cookies[COOKIE]


def refused(answer):
    """What an answer tells that opens nothing."""
    assert (answer.status_code, answer["Content-Type"]) == (422, MEDIA_TYPE), answer.content
    assert not answer.cookies
    return answer.json()


def of_user(client, user):
    return client.get(f"/api/users/{user.pk}")


# Who signs in


@pytest.mark.parametrize("path", [PATH, f"{PATH}.json"])
@pytest.mark.parametrize("secure", [True, False])
def test_the_right_credentials_open_a_session(cast, administrator, settings, path, secure):
    settings.SESSION_COOKIE_SECURE = secure
    cookie = opened(administrator.post(path, asked(OLGA, OPEN)))
    assert {name: value for name, value in cookie.items() if value} == {
        "path": "/api/",
        "httponly": True,
        "samesite": "Strict",
    } | ({"secure": True} if secure else {})

    token = ApiToken.objects.get(kind=ApiToken.Kind.LOGIN)
    assert (token.user, token.client, token.read_only, token.name) == (cast.owner, None, False, "Session of a form")
    assert token.expires_at is not None
    assert timedelta(days=89, hours=23) < token.expires_at - timezone.now() <= timedelta(days=90)
    event = Event.objects.get(action="sign_in.succeeded")
    assert (event.actor_id, event.target_id, event.contract) == (cast.owner.pk, cast.owner.pk, "forms")
    cast.owner.refresh_from_db()
    assert cast.owner.last_login is not None


@pytest.mark.parametrize("email", ["OLGA@Example.COM", "  olga@example.com ", "olga@example.com\n"])
def test_an_address_is_one_however_it_is_written(cast, administrator, email):
    opened(sign_in(administrator, OLGA | {"email": email}))


@pytest.mark.parametrize(
    "form", [OLGA | {"remember_me": True}, OLGA | {"id": 1, "client_id": None}, OLGA | {"is_superuser": True}]
)
def test_what_is_not_declared_is_dropped(cast, administrator, form):
    opened(sign_in(administrator, form))


def test_the_person_of_the_cookie_calls_beside_the_token_of_the_program(cast, administrator):
    opened(sign_in(administrator, OLGA))
    assert of_user(administrator, cast.owner).json()["id"] == cast.owner.pk
    assert errors_of(of_user(administrator, cast.stranger), 403)
    assert errors_of(administrator.post("/api/users", asked(EXAMPLE)), 403)
    assert errors_of(administrator.delete(f"/api/users/{cast.owner.pk}"), 403)

    configurations.create(actor=None, name="own", fields={"first_name": PRESENT})
    form = asked({"first_name": "Mike"}, "own")
    assert errors_of(administrator.put(f"/api/users/{cast.administrator.pk}", form), 404)
    assert administrator.put(f"/api/users/{cast.owner.pk}", form).status_code == 204
    event = Event.objects.get(action="user.updated")
    assert (event.actor_id, event.target_id, event.contract) == (cast.owner.pk, cast.owner.pk, "forms")


def test_the_cookie_alone_opens_nothing(cast, administrator):
    """No page of somebody else's can have a browser send the header."""
    browser = caller()
    browser.cookies[COOKIE] = opened(sign_in(administrator, OLGA)).value
    for answer in (of_user(browser, cast.owner), browser.delete(PATH), browser.post(PATH, asked(OLGA, OPEN))):
        assert errors_of(answer, 401) == UNAUTHENTICATED


def test_a_session_that_is_opened_ends_the_browser_s_former_one_of_whomever(cast, administrator):
    first = opened(sign_in(administrator, OLGA)).value
    second = opened(sign_in(administrator, OLGA | {"email": "stan@example.com"})).value
    assert of_user(administrator, cast.stranger).status_code == 200
    assert errors_of(of_user(administrator, cast.owner), 403)
    administrator.cookies[COOKIE] = first
    assert errors_of(of_user(administrator, cast.owner), 401) == UNAUTHENTICATED
    assert first != second


def test_a_browser_has_one_session(cast, administrator):
    first = opened(sign_in(administrator, OLGA)).value
    second = opened(sign_in(administrator, OLGA)).value
    for token, status in ((first, 401), (second, 200)):
        administrator.cookies[COOKIE] = token
        assert of_user(administrator, cast.owner).status_code == status
    administrator.cookies[COOKIE] = second
    assert refused(sign_in(administrator, OLGA | {"password": "wrong"})) == WRONG
    assert of_user(administrator, cast.owner).status_code == 200


def test_a_program_of_a_client_lets_nobody_else_s_people_in(cast, administrator):
    bound, owned = program(cast.administrator, client=cast.acme), program(cast.stranger)
    for client in (bound, owned):
        for email in ("otto@example.com", "ada@example.com"):
            assert refused(sign_in(client, OLGA | {"email": email})) == WRONG
        opened(sign_in(client, OLGA))
        assert of_user(client, cast.owner).status_code == 200
        for person in (cast.outsider, cast.spare):  # with a session that another program opened
            before = everything()
            for answer in (
                of_user(seated(client, person), person),
                client.put(f"/api/users/{cast.owner.pk}", asked({"first_name": "Mike"})),
                client.delete(PATH),
            ):
                assert errors_of(answer, 401) == UNAUTHENTICATED
            assert everything() == before
    opened(sign_in(administrator, OLGA | {"email": "otto@example.com"}))


def test_of_an_administrator_s_session_the_program_s_client_is_none(cast):
    client = seated(program(cast.administrator), cast.spare)
    assert of_user(client, cast.outsider).status_code == 200
    assert client.delete(f"/api/users/{cast.outsider.pk}").status_code == 204
    assert Event.objects.get(action="user.deleted").actor_id == cast.spare.pk


# Who does not


NOBODY = {
    "an unknown address": {"email": "nobody@example.com"},
    "no address": {"email": "olga"},
    "a wrong password": {"password": "wrong password"},
    "a short password": {"password": "x"},
    "a password in another case": {"password": PASSWORD.upper()},
    "a password with a blank": {"password": f"{PASSWORD} "},
    "a long password": {"password": "x" * 100_000},
    "an inactive user": {"email": "dora@example.com"},
    "an inactive user, a wrong password": {"email": "dora@example.com", "password": "wrong password"},
    "a wildcard": {"email": "%"},
    "a long address": {"email": "\u0301" * 100_000},
    "a long address with a domain": {"email": "x" * 100_000 + "@example.com"},
    "an address with a line in it": {"email": "olga@example.com\nBcc: x@example.com"},
}


@pytest.mark.parametrize("what", NOBODY)
def test_wrong_credentials_are_refused_in_the_same_words(cast, administrator, what):
    before = everything()[:2], ApiToken.objects.count()
    assert refused(sign_in(administrator, OLGA | NOBODY[what])) == WRONG
    assert (everything()[:2], ApiToken.objects.count()) == before
    event = Event.objects.get()
    assert (event.action, event.contract) == ("sign_in.failed", "forms")


@pytest.mark.parametrize("bound", [True, False])
def test_the_database_is_asked_as_much_whoever_it_is(cast, monkeypatch, bound):
    users.update(actor=None, user_id=cast.stranger.pk, password=None)
    failures = {
        "nobody@example.com": "wrong password",
        "olga@example.com": "wrong password",
        "dora@example.com": PASSWORD,
        "stan@example.com": "wrong password",
        "otto@example.com": PASSWORD if bound else "wrong password",
        "sam@example.com": PASSWORD if bound else "wrong password",
    }
    client = program(cast.administrator, client=cast.acme if bound else None)
    sign_in(client, OLGA)  # what is done once is done: the configuration is compiled, the token's use is kept
    hashed, verified = [], passwords.verified
    monkeypatch.setattr(passwords, "verified", lambda *values: hashed.append(values) or verified(*values))
    counts = {}
    for number, (email, password) in enumerate(failures.items()):
        with CaptureQueriesContext(connection) as captured:
            answer = sign_in(client, {"email": email, "password": password}, REMOTE_ADDR=f"192.0.2.{number}")
        assert refused(answer) == WRONG
        counts[email] = len(captured)
    assert len(set(counts.values())) == 1, counts
    assert len(hashed) == len(failures)


@pytest.mark.parametrize(
    ("form", "errors"),
    [
        ({}, {"email": BLANK_EMAIL, "password": BLANK}),
        ({"email": "olga@example.com"}, {"password": BLANK}),
        ({"password": PASSWORD}, {"email": BLANK_EMAIL}),
        ({"email": " ", "password": " "}, {"email": BLANK_EMAIL, "password": BLANK}),
        ({"email": None, "password": None}, {"email": BLANK_EMAIL, "password": BLANK}),
        (OLGA | {"email": ["olga@example.com"]}, {"email": ["is invalid"]}),
        (OLGA | {"email": {"email": "olga@example.com"}}, {"email": ["is invalid"]}),
        (OLGA | {"password": 12345678}, {"password": ["is invalid"]}),
        (OLGA | {"password": {"$ne": None}}, {"password": ["is invalid"]}),
        (OLGA | {"email": True, "password": [PASSWORD]}, {"email": ["is invalid"], "password": ["is invalid"]}),
    ],
)
def test_what_are_no_credentials_is_told_by_its_field_and_counts_as_no_try(cast, administrator, form, errors):
    with unchanged():
        assert refused(sign_in(administrator, form)) == {"errors": errors}


def test_a_configuration_of_sessions_may_have_rules_and_values_of_its_own(cast, administrator):
    configurations.create(
        actor=None,
        name="ours",
        resource="Session",
        fields={
            "email": {"validation": {"format": {"with": r"@example\.com\z", "message": "is none of ours"}}},
            "password": {"validation": {"length": {"minimum": 10}}},
            "terms": {
                "property_options": {"virtual": True},
                "validation": {"inclusion": {"in": [True], "message": "must be accepted"}},
            },
        },
    )
    before = Event.objects.count()
    form = {"email": "olga@example.org", "password": "short", "terms": False}
    assert refused(sign_in(administrator, form, "ours")) == {
        "errors": {
            "email": ["is none of ours"],
            "password": ["is too short (minimum is 10 characters)"],
            "terms": ["must be accepted"],
        }
    }
    assert Event.objects.count() == before
    opened(sign_in(administrator, OLGA | {"terms": True}, "ours"))


def test_a_configuration_may_say_who_signs_in(cast, administrator):
    configurations.create(
        actor=None,
        name="kiosk",
        resource="Session",
        fields={"email": {}, "password": {}},
        default_payload={"email": "stan@example.com"},
    )
    opened(sign_in(administrator, OLGA, "kiosk"))
    assert of_user(administrator, cast.stranger).status_code == 200


def test_a_configuration_without_credentials_lets_nobody_in(cast, administrator):
    assert refused(sign_in(administrator, OLGA, CLOSE)) == {"errors": {"email": BLANK_EMAIL, "password": BLANK}}


# Too many


@pytest.fixture
def clock():
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        yield clock


@pytest.mark.usefixtures("counting")
def test_after_five_wrong_ones_even_the_right_one_must_wait(cast, administrator, clock):
    remaining = []
    for email in ("olga@example.com", "OLGA@example.com", " olga@example.com", "olga@EXAMPLE.com", "olga@example.com"):
        answer = sign_in(administrator, {"email": email, "password": "wrong password"})
        assert refused(answer) == WRONG
        remaining.append(answer["RateLimit-Remaining"])
    assert remaining == ["4", "3", "2", "1", "0"]

    clock.shift(timedelta(seconds=3))
    blocked = sign_in(administrator, OLGA)
    assert errors_of(blocked, 429) == {"base": ["Too many requests. Try again in 27 seconds"]}
    assert (blocked["Retry-After"], blocked["RateLimit-Remaining"], len(blocked.cookies)) == ("27", "0", 0)
    assert caller().post("/auth/token", OLGA).status_code == 429  # one door, whichever contract has it
    opened(sign_in(administrator, OLGA | {"email": "stan@example.com"}))

    clock.shift(timedelta(seconds=27))
    right = sign_in(administrator, OLGA)
    assert opened(right)
    assert (right["RateLimit-Limit"], right["RateLimit-Remaining"]) == ("5", "5")


@pytest.mark.usefixtures("counting")
def test_nobody_s_address_is_blocked_alike(cast, administrator, clock):
    form = {"email": "nobody@example.com", "password": PASSWORD}
    assert [sign_in(administrator, form).status_code for _ in range(6)] == [422] * 5 + [429]


# Who leaves, and what ends a session


def ways_out():
    return {
        "no body": lambda client: client.delete(PATH),
        ".json": lambda client: client.delete(f"{PATH}.json"),
        "a name": lambda client: client.delete(PATH, {"form_configuration_name": CLOSE}),
        "a name and a form": lambda client: client.delete(PATH, asked({}, CLOSE)),
        "a name in the query": lambda client: client.delete(f"{PATH}?form_configuration_name={CLOSE}s"),
        "a number in the query": lambda client: client.delete(f"{PATH}?form_id={_number()}"),
        "an empty body": lambda client: client.generic("DELETE", PATH, "{}", content_type="application/json"),
        "a query before a body": lambda client: client.generic(
            "DELETE", f"{PATH}?form_name={CLOSE}", "{not JSON", content_type="text/plain"
        ),
    }


def _number():
    return FormConfiguration.objects.get(name=CLOSE).pk


@pytest.mark.parametrize("way", ways_out())
def test_whoever_leaves_ends_that_session_and_no_other(cast, administrator, way):
    cookie = opened(sign_in(administrator, OLGA)).value
    other = seated(program(cast.administrator), cast.owner)

    answer = ways_out()[way](administrator)

    assert (answer.status_code, answer.content) == (204, b"")
    gone = answer.cookies[COOKIE]
    assert (gone.value, gone["max-age"], gone["path"], gone["samesite"]) == ("", 0, "/api/", "Strict")
    event = Event.objects.get(action="sign_in.revoked")
    assert (event.actor_id, event.contract) == (cast.owner.pk, "forms")
    assert of_user(administrator, cast.stranger).status_code == 200  # the program goes on by itself
    assert of_user(other, cast.owner).status_code == 200
    administrator.cookies[COOKIE] = cookie
    assert errors_of(of_user(administrator, cast.owner), 401) == UNAUTHENTICATED


@pytest.mark.parametrize("way", ways_out())
def test_where_no_session_is_open_none_is_closed(cast, administrator, way):
    for client in (administrator, program(cast.owner), program(cast.administrator, read_only=True)):
        with unchanged():
            answer = ways_out()[way](client)
        assert (answer.status_code, answer.content) == (204, b"")
    assert of_user(administrator, cast.owner).status_code == 200


@pytest.mark.parametrize("body", ["{not JSON", "[]", '{"form_name": "nope"}', '{"form_name": null}'])
def test_whoever_leaves_by_a_wrong_form_stays(cast, administrator, body):
    opened(sign_in(administrator, OLGA))
    answer = administrator.generic("DELETE", PATH, body, content_type="application/json")
    assert list(errors_of(answer, 406)) == ["base"]
    assert of_user(administrator, cast.owner).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_who_leaves_many_times_at_once_leaves_once(cast, administrator):
    opened(sign_in(administrator, OLGA))
    statuses = at_once(*[lambda: administrator.delete(PATH).status_code] * 4)
    assert set(statuses) <= {204, 401}
    assert Event.objects.filter(action="sign_in.revoked").count() == 1


ENDS = {
    "signed out": lambda user: users.sign_out(actor=None, user_id=user.pk),
    "another password": lambda user: users.update(actor=None, user_id=user.pk, password="another passphrase"),
    "no password": lambda user: users.update(actor=None, user_id=user.pk, password=None),
    "another address": lambda user: users.update(actor=None, user_id=user.pk, email="o@example.com"),
    "deactivated": lambda user: users.update(actor=None, user_id=user.pk, active=False),
    "an administrator": lambda user: users.update(actor=None, user_id=user.pk, client_id=None),
    "deleted": lambda user: users.delete(actor=None, user_id=user.pk),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_signs_a_user_out_ends_sessions(cast, administrator, end):
    opened(sign_in(administrator, OLGA))
    number = cast.owner.pk
    ENDS[end](cast.owner)
    assert errors_of(administrator.get(f"/api/users/{number}"), 401) == UNAUTHENTICATED


def test_a_session_is_over_after_ninety_days(cast, administrator, clock):
    opened(sign_in(administrator, OLGA))
    clock.shift(timedelta(days=90, seconds=-1))
    assert of_user(administrator, cast.owner).status_code == 200
    clock.shift(timedelta(seconds=1))
    assert errors_of(of_user(administrator, cast.owner), 401) == UNAUTHENTICATED


def test_a_dead_cookie_is_401_on_all_calls_but_the_one_that_opens_a_session(cast, administrator):
    dead = {
        "nonsense": "nonsense",
        "no ASCII": "\xff\xfe",
        "long": "x" * 5000,
        "a token of a program": api_token_of(cast.owner)[1],
        "a JWT": tokens_of(cast.owner).access,
        "of whoever is inactive": api_token_of(cast.disabled, kind=ApiToken.Kind.LOGIN)[1],
        "revoked": api_token_of(cast.owner, kind=ApiToken.Kind.LOGIN, revoked_at=timezone.now())[1],
    }
    for what, cookie in dead.items():
        administrator.cookies[COOKIE] = cookie
        with unchanged():
            for answer in (
                of_user(administrator, cast.owner),
                administrator.put(f"/api/users/{cast.owner.pk}", asked({"first_name": "Mike"})),
                administrator.post("/api/users", asked(EXAMPLE)),
                administrator.delete(f"/api/users/{cast.owner.pk}"),
                administrator.delete(PATH),
            ):
                assert errors_of(answer, 401) == UNAUTHENTICATED, what
        opened(sign_in(administrator, OLGA))


def test_an_empty_cookie_is_none(cast, administrator):
    administrator.cookies[COOKIE] = ""
    assert of_user(administrator, cast.outsider).status_code == 200


def test_cookies_of_other_names_are_none_of_this_contract(cast, administrator):
    administrator.cookies["sessionid"] = api_token_of(cast.owner, kind=ApiToken.Kind.LOGIN)[1]
    assert of_user(administrator, cast.outsider).status_code == 200


def test_whoever_must_change_the_password_is_let_in_and_may_leave(cast, administrator):
    User.objects.filter(pk=cast.owner.pk).update(must_change_password=True)
    opened(sign_in(administrator, OLGA))
    assert errors_of(of_user(administrator, cast.owner), 403) == {"base": ["You must change your password first"]}
    assert administrator.delete(PATH).status_code == 204
    assert ApiToken.objects.alive().filter(kind=ApiToken.Kind.LOGIN).count() == 0


def test_the_token_of_a_session_is_in_its_cookie_alone(cast, administrator, caplog):
    token = opened(sign_in(administrator, OLGA)).value
    assert errors_of(bearing(token).get(f"/api/users/{cast.owner.pk}"), 401) == UNAUTHENTICATED
    told = [of_user(administrator, cast.owner).content.decode(), caplog.text, str(everything())]
    assert not any(secret in text for text in told for secret in (token, PASSWORD))
